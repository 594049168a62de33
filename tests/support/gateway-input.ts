/** Generates endless input as gateways send it (protocol.md 6.1): short segments, each of its own muxer, with synchronous claps. */
import type { ReadMedia, ReadPacket, ReadTrack } from "./clip-reader.ts";
import { synthetic } from "./clip-synthetic.ts";
import { beeps, hear, makeSound, opusHead } from "./sound.ts";
import { TsMuxer } from "./ts-muxer.ts";

/** `whip`: H.264 and Opus, sent in real time. `rtmp`: B-frames and AAC, sent as bursts of whole segments. */
export type InputKind = "whip" | "rtmp";

export interface InputSegment {
  readonly bytes: Uint8Array;
  readonly frames: number;
  /** Milliseconds of media since the beginning. */
  readonly at: number;
}

export const SEGMENT_MS = 2000;
const FPS = 30;
const FRAMES = 240;
const LOOP_TICKS = (FRAMES * 90_000) / FPS;
const SEGMENT_TICKS = SEGMENT_MS * 90;
/** The first timestamp, above 0 because encoders stamp priming data earlier. */
const START = 90_000;
const RATE = 48_000;
/** Frames at which luma falls back from its climb and the sound beeps: the claps. */
const CLAP_FRAMES = [80, 160];
const SIZE = { width: 320, height: 192 };

/** Eight seconds that are sent repeatedly with rising timestamps. */
export class InputLoop {
  readonly kind: InputKind;
  /** Seconds from a fall of luma to its beep. */
  readonly clapDelay: number;
  readonly #video: ReadTrack;
  readonly #audio: ReadTrack;

  static async make(kind: InputKind): Promise<InputLoop> {
    const parts = [{ ...SIZE, frames: FRAMES }];
    const shape = { parts, fps: FPS, gop: FPS * 2, start: START };
    const media = await synthetic(kind === "rtmp" ? { ...shape, bFrames: 2 } : shape);
    return new InputLoop(kind, media);
  }

  private constructor(kind: InputKind, { video }: ReadMedia) {
    if (video === null) throw new Error("the clip has no video");
    const codec = kind === "whip" ? "opus" : "aac";
    const wave = beeps(...CLAP_FRAMES.map((frame) => frame / FPS));
    const seconds = FRAMES / FPS;
    const frameSize = codec === "opus" ? 960 : 1024;
    const sound = makeSound({ codec, seconds, wave, start: START }).slice(
      0,
      (seconds * RATE) / frameSize,
    );
    const packets = sound.map(({ data, pts }) => ({ data, pts, dts: pts, keyFrame: true }));
    const [onset = 0] = hear(sound).onsets;
    this.kind = kind;
    this.clapDelay = onset - START / 90_000 - (CLAP_FRAMES[0] ?? 0) / FPS;
    this.#video = video;
    this.#audio = {
      kind: "audio",
      codecName: codec,
      sampleRate: RATE,
      channels: 2,
      frameSize,
      extradata: codec === "opus" ? opusHead(2) : Uint8Array.from([0x11, 0x90]),
      packets,
      frames: [],
    };
  }

  /** Never ends. `jumpMs` is called before each segment and returns the media time that has passed unsent. */
  *segments(jumpMs: () => number = () => 0): Generator<InputSegment, never, void> {
    for (let index = 0; ; index++) {
      const jump = jumpMs();
      const video = this.#part(this.#video, index, jump);
      const audio = this.#part(this.#audio, index, jump);
      using muxer = new TsMuxer([
        { kind: "video" },
        {
          kind: "audio",
          codec: this.kind === "whip" ? "opus" : "aac",
          sampleRate: RATE,
          channels: 2,
          frameSize: this.#audio.frameSize,
          extradata: this.#audio.extradata,
        },
      ]);
      const all = [
        ...video.map((packet) => ({ packet, track: 0 })),
        ...audio.map((packet) => ({ packet, track: 1 })),
      ].sort((a, b) => a.packet.dts - b.packet.dts);
      for (const { packet, track } of all) muxer.write(track, packet);
      yield { bytes: muxer.cut(), frames: video.length, at: index * SEGMENT_MS + jump };
    }
  }

  /** A track's packets in segment `index`: the same number in each loop, whatever the encoder's first timestamp. */
  #part({ packets }: ReadTrack, index: number, jumpMs: number): ReadPacket[] {
    const inLoop = LOOP_TICKS / SEGMENT_TICKS;
    const loop = Math.floor(index / inLoop);
    const share = packets.length / inLoop;
    const from = Math.round((index % inLoop) * share);
    const shift = loop * LOOP_TICKS + Math.round(jumpMs * 90);
    return packets
      .slice(from, Math.round(from + share))
      .map((one) => ({ ...one, pts: one.pts + shift, dts: one.dts + shift }));
  }
}
