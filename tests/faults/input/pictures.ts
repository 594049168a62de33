/** Faults of pictures: sizes, rates, codecs and key frames that change or lie. */
import { findStartCode } from "../../../src/media/annex-b.ts";
import type { VideoPacket } from "../../../src/media/encoded-packet.ts";
import type { ReadMedia, ReadPacket } from "../../support/clip-reader.ts";
import { type ClipShape, drawClip } from "./draw-clip.ts";
import { type InputFault, inputFault, plainFault, type Strike } from "./input-fault.ts";
import type { InputContainer } from "./input-feed.ts";

/** Pictures of a segment at 25 a second. */
const PICTURES = 25;
const TICKS = 3600;
const SMALL = { width: 320, height: 180 };
const SPS = 7;

interface ShowOptions {
  /** Default: the feed's. */
  readonly container?: InputContainer;
  /** Ticks from a picture to the next. */
  readonly pace?: number;
}

/** Segments of each of these clips in turn. */
const shown =
  (clips: readonly (readonly VideoPacket[])[], { container, pace }: ShowOptions = {}): Strike =>
  ({ media, mux, index }) => [
    mux(inPlaceOf(media, clips[index % clips.length] ?? [], pace), container),
  ];

/** The media with these pictures in the place of its own. */
function inPlaceOf(media: ReadMedia, clip: readonly VideoPacket[], pace = TICKS): ReadMedia {
  const { video } = media;
  const start = video?.packets[0]?.dts ?? 0;
  const from = clip[0]?.dts ?? 0;
  const time = (own: number) => start + Math.round(((own - from) * pace) / TICKS);
  const packets = clip.map(({ data, pts, dts, keyFrame }) => ({
    data,
    keyFrame,
    pts: time(pts),
    dts: time(dts),
  }));
  const codecName = clip[0]?.codec ?? "h264";
  return {
    ...media,
    video: video && { ...video, codecName, extradata: new Uint8Array(0), packets },
  };
}

/** Segments of clips of these shapes in turn. */
const changed = (
  name: string,
  shapes: readonly ClipShape[],
  options: ShowOptions = {},
): InputFault =>
  inputFault({
    name,
    prepare: async () => shown(await Promise.all(shapes.map(drawClip)), options),
  });

export const pictures: readonly InputFault[] = [
  changed("resized from 512x512 to 1280x720 to 256x144", [
    { width: 512, height: 512 },
    { width: 1280, height: 720 },
    { width: 256, height: 144 },
  ]),
  changed("resized to 642x362, 18x66 and 1024x16", [
    { width: 642, height: 362 },
    { width: 18, height: 66 },
    { width: 1024, height: 16 },
  ]),
  changed(
    "Matroska with VP8 of odd sizes",
    [
      { codec: "libvpx", width: 321, height: 181 },
      { codec: "libvpx", width: 33, height: 47 },
    ],
    { container: "matroska" },
  ),
  changed("a hundred frames a second", [{ ...SMALL, frames: 4 * PICTURES }], { pace: TICKS / 4 }),
  changed("two frames a second", [{ ...SMALL, frames: 2 }], { pace: TICKS * 12 }),
  changed("H.264 becomes H.265", [{ ...SMALL, codec: "libx265" }]),
  changed(
    "Matroska with H.265, VP8 and VP9 in turn",
    [
      { ...SMALL, codec: "libx265" },
      { ...SMALL, codec: "libvpx" },
      { ...SMALL, codec: "libvpx-vp9" },
    ],
    { container: "matroska" },
  ),
  changed("interlaced", [{ width: 320, height: 192, fields: "top" }]),
  changed("only key frames", [{ ...SMALL, params: "keyint=1" }]),
  inputFault({
    name: "no key frame for ten seconds",
    lastsMs: 10_000,
    prepare: async () => {
      const params = "keyint=1000:scenecut=0";
      const clip = await drawClip({ ...SMALL, frames: 12 * PICTURES, params });
      const sets = clip[0]?.data ?? new Uint8Array(0);
      return ({ media, mux, index }) => {
        const part = clip.slice(index * PICTURES, (index + 1) * PICTURES);
        const { video, audio } = inPlaceOf(media, part);
        return [mux({ audio, video: video && { ...video, extradata: sets } })];
      };
    },
  }),
  plainFault("key frames left out", ({ media, mux }) => [
    mux(withPictures(media, (packets) => packets.filter(({ keyFrame }) => !keyFrame))),
  ]),
  changed("a picture of 8K", [{ width: 7680, height: 4320, frames: 1 }]),
  changed("pixels of 4:1", [{ ...SMALL, pixelAspect: [4, 1] }]),
  lyingSets("a larger", { width: 256, height: 144 }, { width: 1280, height: 720 }),
  lyingSets("a smaller", { width: 1280, height: 720 }, { width: 256, height: 144 }),
  plainFault("no pictures, sound alone", ({ media, mux }) => [mux(withPictures(media, () => []))]),
];

/** The media with other pictures, whose parameter sets a file's header still has. */
function withPictures(
  { video, audio }: ReadMedia,
  change: (packets: readonly ReadPacket[]) => ReadPacket[],
): ReadMedia {
  const sets = video?.packets.find(({ keyFrame }) => keyFrame)?.data ?? new Uint8Array(0);
  const extradata = video && video.extradata.length > 0 ? video.extradata : sets;
  return { audio, video: video && { ...video, extradata, packets: change(video.packets) } };
}

/** Sequence parameter sets say another size than the pictures have. */
function lyingSets(than: string, real: ClipShape, said: ClipShape): InputFault {
  return inputFault({
    name: `parameter sets of ${than} picture`,
    prepare: async () => {
      const [clip, lie] = await Promise.all([drawClip(real), drawClip({ ...said, frames: 1 })]);
      return shown([
        clip.map((packet) => ({ ...packet, data: withSps(packet.data, lie[0]?.data) })),
      ]);
    },
  });
}

/** The access unit with the sequence parameter sets of another one. */
function withSps(data: Uint8Array, other: Uint8Array = new Uint8Array(0)): Uint8Array {
  const lie = nals(other).find((nal) => typeOf(nal) === SPS);
  const units = nals(data).map((nal) => (typeOf(nal) === SPS && lie ? lie : nal));
  return Uint8Array.from(Buffer.concat(units.flatMap((nal) => [Uint8Array.of(0, 0, 0, 1), nal])));
}

const typeOf = (nal: Uint8Array): number => (nal[0] ?? 0) & 0x1f;

function nals(data: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = findStartCode(data, 0); at >= 0; ) {
    const next = findStartCode(data, at + 3);
    const end = next < 0 ? data.length : data[next - 1] === 0 ? next - 1 : next;
    units.push(data.subarray(at + 3, end));
    at = next;
  }
  return units;
}
