/** Cuts clips into segments of Matroska, as FFmpeg muxes it: a file each, or one file over all of them. */
import type { ReadMedia, ReadPacket } from "./clip-reader.ts";
import { muxFile } from "./file-muxer.ts";

/** The first pictures of a clip, and the sound up to there. */
export function beginningOf(media: ReadMedia, pictures: number): ReadMedia {
  const video = media.video && { ...media.video, packets: media.video.packets.slice(0, pictures) };
  const end = Math.max(...(video?.packets.map(({ pts }) => pts) ?? [0]));
  const audio = media.audio && {
    ...media.audio,
    packets: media.audio.packets.filter(({ pts }) => pts < end),
  };
  return { video, audio };
}

/** A file of its own for each group of pictures. */
export function filesOf(media: ReadMedia, size: { width: number; height: number }): Uint8Array[] {
  const pictures = media.video?.packets ?? [];
  const starts = pictures.filter(({ keyFrame }) => keyFrame).map(({ dts }) => dts);
  const part = (packets: readonly ReadPacket[], index: number): ReadPacket[] => {
    const [from, to] = [starts[index] ?? 0, starts[index + 1] ?? Number.POSITIVE_INFINITY];
    return packets.filter(({ dts }) => (index === 0 || dts >= from) && dts < to);
  };
  return starts.map((_, index) =>
    fileOf(
      {
        video: media.video && { ...media.video, packets: part(media.video.packets, index) },
        audio: media.audio && { ...media.audio, packets: part(media.audio.packets, index) },
      },
      size,
      media.video?.packets[0]?.data,
    ),
  );
}

/** One file, H.264. `parameterSets`: of a clip without a configuration; the first packet by default. */
export function fileOf(
  { video, audio }: ReadMedia,
  size: { width: number; height: number },
  parameterSets?: Uint8Array,
): Uint8Array {
  if (!video) throw new Error("a clip without video");
  const extradata = video.extradata.length > 0 ? video.extradata : parameterSets;
  return muxFile({
    format: "matroska",
    video: {
      codec: "h264",
      ...size,
      packets: video.packets,
      ...(extradata && { extradata }),
    },
    audio,
  });
}

/** Pieces of one file, cut wherever the bytes fall. */
export const piecesOf = (file: Uint8Array, bytes: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(file.length / bytes) }, (_, index) =>
    file.slice(index * bytes, (index + 1) * bytes),
  );
