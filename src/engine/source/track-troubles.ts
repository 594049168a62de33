/** Formats errors about input tracks that cannot be read. */
import type { PlainError } from "../../errors.ts";
import type { TrackTrouble } from "./demuxer.ts";

/** A track that is announced and cannot be read. */
export interface UnsupportedTrack {
  readonly media: "video" | "audio";
  /** A name that people know: "DTS", "MPEG-2", "encrypted". */
  readonly codec: string;
}

const READABLE = {
  video: "send H.264 or H.265",
  audio: "send AAC, Opus, MP2, MP3, AC-3 or E-AC-3",
} as const;

/**
 * The troubles of an input whose tracks have just been announced. `has`: whether there is a track that
 * can be read. What can be read again clears what was reported of it.
 */
export function trackTroubles(
  tracks: readonly UnsupportedTrack[],
  has: { readonly video: boolean; readonly audio: boolean },
): TrackTrouble[] {
  const unreadable = (media: UnsupportedTrack["media"]): PlainError | null => {
    const names = new Set(tracks.filter((each) => each.media === media).map(({ codec }) => codec));
    if (has[media] || names.size === 0) return null;
    const effect = media === "audio" ? "; the stream continues without audio" : "";
    const message = `the input's ${media} is ${[...names].join(", ")}, which is not supported: ${READABLE[media]}${effect}`;
    return { kind: "unsupported_media", message };
  };
  const audioOnly = has.audio && !has.video ? AUDIO_ONLY : null;
  return [
    { part: "input", error: unreadable("video") ?? audioOnly },
    { part: "audio", error: unreadable("audio") },
  ];
}

const AUDIO_ONLY: PlainError = {
  kind: "unsupported_media",
  message: `the input has audio only: ${READABLE.video} with it`,
};
