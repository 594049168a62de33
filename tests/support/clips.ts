/** The clips that tests of whole streams run with: two synthetic ones, and two real ones where the shared data is. */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { type Clip, type SegmentOptions, tsSegments } from "./clip.ts";
import { type ReadMedia, readMedia } from "./clip-reader.ts";
import { type SyntheticOptions, synthetic } from "./clip-synthetic.ts";
import { sharedData } from "./shared-data.ts";

export interface TestClip {
  /** For a test's title; says what is missing if the clip is. */
  readonly name: string;
  /** The shared data is absent. */
  readonly missing: boolean;
  readonly frames: number;
  /** Audio packets. */
  readonly sounds: number;
  /** The clip's packets, and its segments as a gateway sends them. */
  open(options?: SegmentOptions): Promise<Clip>;
}

const SIZE = { width: 320, height: 180 };
/** B-frames have decode times before the first picture, which must not be negative. */
const START = 90_000;

/** H.264 without B-frames, and AAC. */
export const WITH_SOUND = generated("a clip with AAC", 1024 / 48_000, {
  parts: [{ ...SIZE, frames: 100 }],
  fps: 12.5,
  gop: 12,
  audio: { codec: "aac" },
  start: START,
});

/** H.264 with B-frames, no sound. */
export const WITH_B_FRAMES = generated("a clip with B-frames", null, {
  parts: [{ ...SIZE, frames: 480 }],
  bFrames: 2,
  start: START,
});

export const CLIPS: readonly TestClip[] = [
  WITH_SOUND,
  WITH_B_FRAMES,
  real("car-detection", 377, 1414),
  real("bottle-detection", 1189, 0),
];

function generated(
  name: string,
  packetSeconds: number | null,
  options: SyntheticOptions,
): TestClip {
  const frames = options.parts.reduce((sum, part) => sum + part.frames, 0);
  const seconds = frames / (options.fps ?? 30);
  return {
    name,
    missing: false,
    frames,
    sounds: packetSeconds === null ? 0 : Math.round(seconds / packetSeconds),
    open: async (segmented) => {
      quietLibav();
      return cut(await synthetic(options), segmented);
    },
  };
}

function real(name: string, frames: number, sounds: number): TestClip {
  const path = sharedData(`video/${name}.mp4`);
  return {
    name: path === null ? `${name} (needs ../shared/data/video)` : name,
    missing: path === null,
    frames,
    sounds,
    open: async (segmented) => {
      if (path === null) throw new Error(`${name} is not in the shared data`);
      return cut(await readMedia(path), segmented);
    },
  };
}

const cut = (media: ReadMedia, options?: SegmentOptions): Clip => ({
  media,
  segments: tsSegments(media, options),
});
