/** Formats errors about input tracks that cannot be read, and reports each change once. */
import type { PlainError } from "../../errors.ts";
import type { TrackTrouble } from "./demuxer.ts";

/** A track that is announced and cannot be read. */
export interface UnsupportedTrack {
  readonly media: "video" | "audio";
  /** A name that people know: "DTS", "MPEG-2", "encrypted". */
  readonly codec: string;
}

/** What a container announces. */
export interface AnnouncedTracks {
  readonly unsupported: readonly UnsupportedTrack[];
  /** Whether there is a track that can be read. */
  readonly video: boolean;
  readonly audio: boolean;
}

/** The ways out that a container offers. */
const READABLE_VIDEO = {
  ts: "send H.264 or H.265",
  file: "send H.264, H.265, VP8, VP9 or AV1",
} as const;
const READABLE_AUDIO = {
  ts: "send AAC, Opus, MP2, MP3, AC-3 or E-AC-3",
  file: "send AAC, Opus, MP3, AC-3, E-AC-3 or FLAC",
} as const;

/**
 * The troubles of an input whose tracks have just been announced, in a transport stream or in a file format.
 * What can be read again clears what was reported of it.
 */
export function trackTroubles(
  container: "ts" | "file",
  { unsupported, ...has }: AnnouncedTracks,
): TrackTrouble[] {
  const readable = { video: READABLE_VIDEO[container], audio: READABLE_AUDIO[container] };
  const unreadable = (media: UnsupportedTrack["media"]): PlainError | null => {
    const codecs = unsupported.filter((each) => each.media === media).map(({ codec }) => codec);
    if (has[media] || codecs.length === 0) return null;
    const names = [...new Set(codecs)].join(", ");
    const effect = media === "audio" ? "; the stream continues without audio" : "";
    const message = `the input's ${media} is ${names}, which is not supported: ${readable[media]}${effect}`;
    return { kind: "unsupported_media", message };
  };
  const audioOnly: PlainError | null =
    has.audio && !has.video
      ? {
          kind: "unsupported_media",
          message: `the input has audio only: ${readable.video} with it`,
        }
      : null;
  return [
    { part: "input", error: unreadable("video") ?? audioOnly },
    { part: "audio", error: unreadable("audio") },
  ];
}

const PARTS = ["input", "audio"] as const;

/** What is wrong with the input of a file format: its tracks, and damage that passes. */
export class FileTroubles {
  #tracks: readonly TrackTrouble[] = [];
  #damage: PlainError | null = null;
  /** The message last reported of each part. */
  readonly #reported = new Map<TrackTrouble["part"], string>();

  /** New tracks are announced. */
  announce(tracks: AnnouncedTracks): void {
    this.#tracks = trackTroubles("file", tracks);
  }

  /** Damage that was found; the first of it stays until a picture comes after it was reported. */
  damage(error: PlainError): void {
    this.#damage ??= error;
  }

  /** A picture came: damage is over, unless it has not been reported yet. */
  recover(): void {
    if (this.#reported.get("input") === this.#damage?.message) this.#damage = null;
  }

  /** Damage that was found before belongs to another input. */
  forgetDamage(): void {
    this.#damage = null;
  }

  /** What cannot be read, and that it can be read again, since the last call. Troubles of tracks come first. */
  take(): TrackTrouble[] {
    const damage = { part: "input", error: this.#damage } as const;
    const found = new Map<TrackTrouble["part"], PlainError>();
    for (const { part, error } of [damage, ...this.#tracks]) if (error) found.set(part, error);
    const changed = PARTS.filter((part) => found.get(part)?.message !== this.#reported.get(part));
    this.#reported.clear();
    for (const [part, { message }] of found) this.#reported.set(part, message);
    return changed.map((part) => ({ part, error: found.get(part) ?? null }));
  }
}
