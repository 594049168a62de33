/** Checks a worker's output as a gateway's viewers would see it, segment by segment (protocol.md 6.2). */
import type { AudioPacket } from "../../src/media/encoded-packet.ts";
import { ticks } from "../../src/media/time.ts";
import { decodeMedia, type ReadMedia } from "./clip-reader.ts";
import { lumaOf } from "./clip-synthetic.ts";
import { hear } from "./sound.ts";
import { counterBreaks, type SeenPacket, seenPackets, seenUnits } from "./ts-reader.ts";

const PACKET_BYTES = 188;
/** PID of the service description table, which some muxers write and no reader needs. */
const SERVICES_PID = 0x11;
/** Luma falls by more than this at a clap. */
const FALL = 80;
const SPS = 7;
const PPS = 8;
const IDR = 5;
/** Packets of earlier sound that the decoder is primed with. */
const RUN_IN = 10;

export class OutputJudge {
  segments = 0;
  bytes = 0;
  frames = 0;
  audioPackets = 0;
  /** Segments that are marked as coming from a new muxer. */
  joints = 0;
  /** Continuity counter errors other than at such joints. */
  readonly breaks: string[] = [];
  /** Segments that were skipped or incomplete, and pictures that were under way when their muxer went. */
  readonly missing: string[] = [];
  /** Other violations. */
  readonly faults: string[] = [];
  /** Seconds by which the output delays sound relative to the picture. */
  readonly soundDelays: number[] = [];
  readonly #clapDelay: number;
  #lastSeq: number | null = null;
  /** Those of `faults` that are the last segment's damaged frames. */
  #damaged: string[] = [];
  #lastPackets = new Map<number, SeenPacket>();
  #program: string | null = null;
  #lastPts = Number.NEGATIVE_INFINITY;
  #lastLuma = Number.NaN;
  #falls: number[] = [];
  #beeps: number[] = [];
  #sound: AudioPacket[] = [];

  /** `clapDelay` is the input's own delay of sound, in seconds. */
  constructor(clapDelay = 0) {
    this.#clapDelay = clapDelay;
  }

  /** Takes the next complete segment; call in order. */
  async take(seq: number, bytes: Uint8Array): Promise<void> {
    const name = `segment ${seq}`;
    if (this.#lastSeq !== null && seq !== this.#lastSeq + 1)
      this.missing.push(`${this.#lastSeq + 1} to ${seq - 1}`);
    const torn = bytes.length % PACKET_BYTES;
    if (torn > 0) this.missing.push(`${name} ends in mid-packet`);
    if (bytes.length === torn) return;
    const whole = bytes.subarray(0, bytes.length - torn);
    const packets = seenPackets(whole);
    this.segments++;
    this.bytes += bytes.length;
    this.#judgeCounters(name, packets, seq === (this.#lastSeq ?? -1) + 1);
    this.#judgeStart(name, packets);
    const media = await decodeMedia(whole).catch(() => null);
    if (media === null) this.missing.push(`${name} is too short to be read`);
    else this.#judgeMedia(name, media);
    this.#lastSeq = seq;
  }

  #judgeCounters(name: string, packets: readonly SeenPacket[], follows: boolean): void {
    const before = follows ? [...this.#lastPackets.values()] : [];
    const breaks = counterBreaks([...before, ...packets]);
    if (packets.some(({ discontinuity }) => discontinuity)) {
      this.joints++;
      for (const cutOff of this.#damaged) this.faults.splice(this.faults.indexOf(cutOff), 1);
      this.missing.push(...this.#damaged);
    } else this.breaks.push(...breaks.map((where) => `${name}: ${where}`));
    for (const packet of packets) this.#lastPackets.set(packet.pid, packet);
  }

  #judgeStart(name: string, packets: readonly SeenPacket[]): void {
    const [pat, pmt, third] = packets.filter(({ pid }) => pid !== SERVICES_PID);
    const mapPid = pat && pat.pid === 0 ? pidAt(pat.payload, 11) : -1;
    if (mapPid < 0 || pmt?.pid !== mapPid) {
      this.faults.push(`${name} does not begin with PAT and PMT`);
      return;
    }
    const program = Buffer.from(pmt.payload).toString("hex");
    this.#program ??= program;
    if (program !== this.#program) this.faults.push(`${name} has another program map`);
    const [unit] = third ? seenUnits(packets, third.pid) : [];
    const types = unit ? nalTypes(unit.data) : [];
    for (const type of [SPS, PPS, IDR])
      if (!types.includes(type)) this.faults.push(`${name} begins without NAL type ${type}`);
  }

  #judgeMedia(name: string, { video, audio }: ReadMedia): void {
    for (const { pts, dts } of video?.packets ?? []) {
      if (pts !== dts) this.faults.push(`${name} has a B-frame at ${pts}`);
      if (pts <= this.#lastPts) this.faults.push(`${name}: pts ${pts} after ${this.#lastPts}`);
      this.#lastPts = pts;
    }
    this.frames += video?.frames.length ?? 0;
    this.#damaged = [];
    for (const { pts, measure, corrupt } of video?.frames ?? []) {
      if (corrupt) this.#damaged.push(`${name} has a damaged frame at ${pts}`);
      if (measure < this.#lastLuma - FALL) this.#falls.push(pts / 90_000 - sinceFall(measure));
      this.#lastLuma = measure;
    }
    this.faults.push(...this.#damaged);
    this.audioPackets += audio?.packets.length ?? 0;
    if (audio?.codecName.includes("opus")) this.#listen(audio);
    this.#match();
  }

  #listen({ packets, channels }: NonNullable<ReadMedia["audio"]>): void {
    const heard = packets.map(
      ({ data, pts }): AudioPacket => ({
        kind: "audio",
        codec: "opus",
        data,
        pts: ticks(pts),
        duration: ticks(1800),
        sampleRate: 48_000,
        channels,
        arrivedAt: 0,
      }),
    );
    for (const onset of hear([...this.#sound, ...heard]).onsets)
      if (onset > (this.#beeps.at(-1) ?? 0) + 0.1) this.#beeps.push(onset);
    this.#sound = [...this.#sound, ...heard].slice(-RUN_IN);
  }

  /** Pairs claps of picture and sound; one without a counterpart is dropped after two seconds. */
  #match(): void {
    this.#falls = this.#falls.filter((fall) => {
      const beep = this.#beeps.find((at) => Math.abs(at - fall - this.#clapDelay) < 0.5);
      if (beep !== undefined) this.soundDelays.push(beep - fall - this.#clapDelay);
      return beep === undefined && fall > this.#lastPts / 90_000 - 2;
    });
    this.#beeps = this.#beeps.slice(-4);
  }
}

/** Seconds since luma fell, derived from its climb in case the first frames after the fall are missing. */
const sinceFall = (luma: number): number => Math.max(0, Math.round((luma - lumaOf(0)) / 2)) / 30;

/** The 13 bits of a PID. */
const pidAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) & 0x1f) << 8) | (bytes[at + 1] ?? 0);

/** Types of the NAL units of an access unit in Annex B, in order. */
function nalTypes(unit: Uint8Array): number[] {
  const types: number[] = [];
  for (let at = unit.indexOf(1); at >= 0; at = unit.indexOf(1, at + 1))
    if (unit[at - 1] === 0 && unit[at - 2] === 0) types.push((unit[at + 1] ?? 0) & 0x1f);
  return types;
}
