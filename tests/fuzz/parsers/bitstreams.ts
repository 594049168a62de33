/** Fuzzes the readers of codec headers and configurations: whatever the bytes, they return sane values and never throw. */
import { aacEntry, flacEntry, opusEntry } from "../../../src/engine/source/audio-configs.ts";
import { readTracks } from "../../../src/engine/source/matroska/tracks.ts";
import { readFragment } from "../../../src/engine/source/mp4/fragment.ts";
import { readMovie } from "../../../src/engine/source/mp4/movie.ts";
import { readPat, readPmt } from "../../../src/engine/source/ts/tables.ts";
import { readAudioSpecificConfig } from "../../../src/media/aac.ts";
import { readAc3Header } from "../../../src/media/ac3.ts";
import { readAdtsHeader } from "../../../src/media/adts.ts";
import { annexB, lengthPrefixed, splitNals, unescapeNal } from "../../../src/media/annex-b.ts";
import { av1CodedSize, readAv1Sample } from "../../../src/media/av1.ts";
import { readBoxes } from "../../../src/media/boxes.ts";
import { codedSizeOf } from "../../../src/media/coded-size.ts";
import { readElements } from "../../../src/media/ebml.ts";
import { H264NalReader, h264CodedSize, h264ReorderDepth } from "../../../src/media/h264.ts";
import { HevcNalReader, hevcCodedSize, hevcReorderDepth } from "../../../src/media/hevc.ts";
import { readLoasFrame } from "../../../src/media/latm.ts";
import { readMpegAudioHeader } from "../../../src/media/mpeg-audio.ts";
import { readAvcConfig, readHevcConfig } from "../../../src/media/nal-config.ts";
import { opusSamples, readOpusBox, readOpusHead } from "../../../src/media/opus.ts";
import { isVp8Hidden, isVp8KeyFrame, vp8CodedSize } from "../../../src/media/vp8.ts";
import { isVp9KeyFrame, vp9CodedSize } from "../../../src/media/vp9.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";
import { clipsIn, ENCODERS, pictures, sound } from "./media-corpus.ts";

const DECLARED = { sampleRate: 48_000, channels: 2 };

type Reader = (bytes: Uint8Array) => unknown;

/** Readers of the whole bytes. */
const READERS: readonly Reader[] = [
  readAudioSpecificConfig,
  (bytes) => aacEntry(bytes, DECLARED),
  flacEntry,
  (bytes) => opusEntry(readOpusHead(bytes), 2),
  (bytes) => opusEntry(readOpusBox(bytes), 2),
  opusSamples,
  readAv1Sample,
  av1CodedSize,
  isVp8KeyFrame,
  isVp8Hidden,
  vp8CodedSize,
  isVp9KeyFrame,
  vp9CodedSize,
  readAvcConfig,
  readHevcConfig,
  h264CodedSize,
  h264ReorderDepth,
  hevcCodedSize,
  hevcReorderDepth,
  readTracks,
  readMovie,
  readPat,
  readPmt,
  (bytes) => Array.from(readBoxes(bytes)).length,
  (bytes) => Array.from(readElements(bytes)).length,
  (bytes) => unescapeNal(bytes).length,
  ...([1, 2, 3, 4] as const).map(
    (lengthBytes): Reader =>
      (bytes) =>
        annexB(bytes, lengthBytes, []).length,
  ),
  ...(["h264", "hevc", "vp8", "vp9", "av1"] as const).map(
    (codec): Reader =>
      (bytes) =>
        codedSizeOf(codec, bytes),
  ),
  (bytes) => {
    const [h264, hevc] = [new H264NalReader(), new HevcNalReader()];
    const nals = splitNals(bytes);
    const units = nals.flatMap((nal) => [h264.read(nal), hevc.read(nal)]);
    return [units, h264.frameDuration, hevc.frameDuration, h264.orderStep, hevc.orderStep];
  },
  (bytes) => {
    const nals = splitNals(bytes);
    const back = splitNals(annexB(lengthPrefixed(nals), 4, []));
    if (!Bun.deepEquals(back, nals)) throw new Error("NAL units change on their way through MP4");
  },
  (bytes) =>
    readFragment(bytes, {
      position: 0,
      tracks: [],
      defaults: new Map(),
      ends: new Map(),
      resolve: (offset) => offset,
    }),
];

/** Readers of what begins somewhere in the bytes. */
const SEARCHERS: readonly ((bytes: Uint8Array, at: number) => unknown)[] = [
  readAdtsHeader,
  readLoasFrame,
  readAc3Header,
  readMpegAudioHeader,
];

export const bitstreams = defineTarget<Uint8Array>({
  name: "bitstreams",
  inputs: "damaged pictures, sounds and configurations of every codec",
  found: [],
  open: () => ({
    inputs: mutatedBytes(bitstreamCorpus()),
    check: (bytes) => {
      for (const read of READERS) checkValue(read(bytes), bytes.length);
      for (const search of SEARCHERS) {
        for (let at = 0; at < Math.min(bytes.length, 64); at++) {
          const found = search(bytes, at);
          checkValue(found, bytes.length);
          checkLength(found);
        }
      }
    },
  }),
});

function bitstreamCorpus(): Uint8Array[] {
  const packets = ENCODERS.flatMap((encoder) => pictures(encoder).slice(0, 2));
  const sounds = (["aac", "opus"] as const).flatMap((codec) => {
    const { extradata, packets: frames } = sound(codec);
    return [extradata, ...frames.slice(1, 3).map(({ data }) => data)];
  });
  const containers = (["mpegts", "mp4", "matroska"] as const).flatMap((container) =>
    clipsIn(container).map((clip) => clip.slice(0, 1500)),
  );
  const inside = containers.map((clip) => clip.slice(36)); // behind ftyp, as boxes and elements are read
  return [...packets.map(({ data }) => data), ...sounds, ...containers, ...inside].filter(
    ({ length }) => length > 0,
  );
}

/** Frames that are searched one after the other must have a length. */
function checkLength(found: unknown): void {
  const length: unknown = Object(found).frameBytes;
  if (length !== undefined && !(typeof length === "number" && length > 0))
    throw new Error(`a frame of ${length} bytes`);
}

/** No NaN and no endless number, and no more parts than bytes. */
function checkValue(value: unknown, bytes: number, depth = 0): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`a value is ${value}`);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || depth > 6) return;
  const parts = Object.values(value);
  if (parts.length > bytes + 100) throw new Error("more parts than bytes");
  for (const part of parts) checkValue(part, bytes, depth + 1);
}
