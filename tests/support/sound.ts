/** Encodes and decodes sound with FFmpeg directly, independently of the product's code. */
import { Codec, CodecContext, Frame, Packet, Rational } from "node-av";
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
} from "node-av/constants";
import { AudioTarget } from "../../src/engine/codec/audio-target.ts";
import { transcodeAudio } from "../../src/engine/codec/audio-transcode.ts";
import type { PipelineObserver } from "../../src/engine/pipeline-observer.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { AudioCodec, AudioFormat, AudioPacket } from "../../src/media/encoded-packet.ts";
import { ticks, ticksFromSeconds } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import type { ReadTrack } from "./clip-reader.ts";

export interface SoundOptions {
  readonly codec: AudioCodec;
  readonly seconds: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  /** PTS of the first sample, in ticks. */
  readonly start?: number;
  /** The sample of a channel at a time in seconds, -1 to 1. */
  readonly wave?: (seconds: number, channel: number) => number;
}

const MASKS: Readonly<Record<number, bigint>> = { 1: 4n, 2: 3n, 6: 0x3fn };

/** 440 Hz at a third of full scale. */
export const hum = (seconds: number): number => 0.3 * Math.sin(2 * Math.PI * 440 * seconds);

/** 20 ms of 1 kHz at each of these times, with silence between. */
export const beeps =
  (...times: readonly number[]) =>
  (seconds: number): number =>
    times.some((at) => seconds >= at && seconds < at + 0.02)
      ? 0.5 * Math.sin(2 * Math.PI * 1000 * seconds)
      : 0;

/** Encodes a sound into packets stamped with the time of their decoded samples; `arrivedAt` is the packet's number. */
export function makeSound(options: SoundOptions): AudioPacket[] {
  const { codec, sampleRate = 48_000, channels = 2, start = 0 } = options;
  const { packets, frameSize } = encode(options);
  return packets.map(({ data, sample }, index) => ({
    kind: "audio",
    codec,
    data,
    pts: ticks(start + ticksFromSeconds(sample / sampleRate)),
    duration: ticksFromSeconds(frameSize / sampleRate),
    sampleRate,
    channels,
    arrivedAt: index,
  }));
}

/** Encodes a sound in the form in which a demuxer would return it. Timestamps start at `start`; priming would precede it. */
export function soundTrack(options: SoundOptions): ReadTrack {
  const { codec, seconds, sampleRate = 48_000, channels = 2, start = 0 } = options;
  const { packets, frameSize, extradata } = encode(options);
  const whole = packets.slice(0, Math.floor((seconds * sampleRate) / frameSize));
  return {
    kind: "audio",
    codecName: codec,
    sampleRate,
    channels,
    frameSize,
    extradata,
    packets: whole.map(({ data }, index) => {
      const pts = start + ticksFromSeconds((index * frameSize) / sampleRate);
      return { data, pts, dts: pts, keyFrame: true };
    }),
    frames: [],
  };
}

function encode({ codec, seconds, sampleRate = 48_000, channels = 2, wave = hum }: SoundOptions): {
  /** `sample` is the number of the first sample; priming has negative ones. */
  readonly packets: readonly { readonly data: Uint8Array; readonly sample: number }[];
  readonly frameSize: number;
  readonly extradata: Uint8Array;
} {
  const encoder = Codec.findEncoderByName((codec === "aac" ? "aac" : "libopus") as never);
  const mask = MASKS[channels];
  if (!encoder || !mask) throw new Error(`cannot encode ${codec} with ${channels} channels`);
  const planar = codec === "aac";
  const layout = { nbChannels: channels, order: AV_CHANNEL_ORDER_NATIVE, mask };
  const context = new CodecContext();
  context.allocContext3(encoder);
  context.sampleRate = sampleRate;
  context.sampleFormat = planar ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_FLT;
  context.channelLayout = layout;
  context.timeBase = new Rational(1, sampleRate);
  context.bitRate = BigInt(64_000 * channels);
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  if (context.open2Sync(encoder) < 0) throw new Error(`cannot open ${codec}`);
  const extradata = Uint8Array.from(context.extraData ?? []);
  const packets: { data: Uint8Array; sample: number }[] = [];
  const packet = new Packet();
  packet.alloc();
  const { frameSize } = context;
  const receive = (): void => {
    while (context.receivePacketSync(packet) >= 0) {
      packets.push({ data: Uint8Array.from(packet.data ?? []), sample: Number(packet.pts) });
      packet.unref();
    }
  };
  for (let at = 0; at < seconds * sampleRate; at += frameSize) {
    const frame = new Frame();
    frame.alloc();
    frame.nbSamples = frameSize;
    frame.format = context.sampleFormat;
    frame.sampleRate = sampleRate;
    frame.channelLayout = layout;
    frame.getBuffer();
    for (let channel = 0; channel < channels; channel++) {
      const plane = frame.extendedData?.[planar ? channel : 0];
      if (!plane) throw new Error("no plane");
      const floats = new Float32Array(plane.buffer, plane.byteOffset, plane.length >> 2);
      for (let index = 0; index < frameSize; index++) {
        const place = planar ? index : index * channels + channel;
        floats[place] = wave((at + index) / sampleRate, channel);
      }
    }
    frame.pts = BigInt(at);
    context.sendFrameSync(frame);
    frame.free();
    receive();
  }
  context.sendFrameSync(null);
  receive();
  packet.free();
  context.freeContext();
  return { packets, frameSize, extradata };
}

/** One channel of decoded sound; `at(seconds)` returns the level at that time. */
export interface Heard {
  /** Times in seconds, on the packets' clock, at which sound starts after silence. */
  readonly onsets: readonly number[];
  /** Number of frames that failed to decode. */
  readonly refused: number;
  /** Root mean square of all samples. */
  readonly loudness: number;
}

/** The OpusHead that an Opus decoder needs. */
export const opusHead = (channels: number): Uint8Array =>
  Uint8Array.from([
    ...Buffer.from("OpusHead"),
    ...[1, channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0], // 48 kHz
  ]);

/** Listens to a track that FFmpeg read: its centre channel, which mono is upmixed to. */
export function hearTrack(track: ReadTrack | null): Heard {
  if (!track) return { onsets: [], refused: 0, loudness: 0 };
  const { codecName, sampleRate, channels, extradata } = track;
  const packets = track.packets.map(({ data, pts }) => ({
    kind: "audio" as const,
    codec: codecName.includes("aac") ? ("aac" as const) : ("opus" as const),
    data,
    pts: ticks(pts),
    duration: ticks(0),
    sampleRate,
    channels,
    ...(extradata.length > 0 && { config: extradata }),
    arrivedAt: 0,
  }));
  return hear(packets, channels > 2 ? 2 : 0);
}

/** The configuration of AAC at 48 kHz, or of Opus. */
const usualConfig = ({ codec, channels }: AudioPacket): Uint8Array =>
  codec === "aac" ? Uint8Array.from([0x11, 0x80 | (channels << 3)]) : opusHead(channels);

/** Decodes packets and finds where sound begins in one channel. Without a configuration they are at 48 kHz. */
export function hear(packets: readonly AudioPacket[], channel = 0): Heard {
  const [first] = packets;
  if (!first) return { onsets: [], refused: 0, loudness: 0 };
  const decoder = Codec.findDecoderByName(first.codec as never);
  if (!decoder) throw new Error(`no decoder for ${first.codec}`);
  const context = new CodecContext();
  context.allocContext3(decoder);
  context.extraData = Buffer.from(first.config ?? usualConfig(first));
  if (context.open2Sync(decoder) < 0) throw new Error(`cannot open ${first.codec}`);
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const onsets: number[] = [];
  let lastLoud = Number.NEGATIVE_INFINITY;
  let refused = 0;
  let energy = 0;
  let count = 0;
  for (const { data, pts, channels } of packets) {
    packet.data = Buffer.from(data);
    if (context.sendPacketSync(packet) < 0) refused++;
    packet.unref();
    while (context.receiveFrameSync(frame) >= 0) {
      const planar = frame.format === AV_SAMPLE_FMT_FLTP;
      const plane = frame.extendedData?.[planar ? channel : 0];
      if (!plane) throw new Error("no plane");
      const floats = new Float32Array(plane.buffer, plane.byteOffset, plane.length >> 2);
      for (let index = 0; index < frame.nbSamples; index++) {
        const level = floats[planar ? index : index * channels + channel] ?? 0;
        energy += level * level;
        count++;
        if (Math.abs(level) < 0.1) continue;
        const time = pts / 90_000 + index / frame.sampleRate;
        if (time - lastLoud > 0.1 || time < lastLoud) onsets.push(time);
        lastLoud = time;
      }
      frame.unref();
    }
  }
  frame.free();
  packet.free();
  context.freeContext();
  return { onsets, refused, loudness: Math.sqrt(energy / Math.max(1, count)) };
}

/** A stream of packets, as input of a stage. */
export const soundStream = (
  packets: Iterable<AudioPacket> | AsyncIterable<AudioPacket>,
): ReadableStream<AudioPacket> =>
  new ReadableStream({
    async start(controller) {
      for await (const packet of packets) controller.enqueue(packet);
      controller.close();
    },
  });

/** Runs packets through `transcodeAudio`. */
export async function transcoded(
  input: Iterable<AudioPacket> | AsyncIterable<AudioPacket>,
  codec: AudioCodec,
  observer: Pick<PipelineObserver, "trouble"> = { trouble: () => {} },
): Promise<AudioPacket[]> {
  const stages = new StageGroup();
  const made: AudioPacket[] = [];
  const copies = (format: AudioFormat): boolean => format.codec === codec;
  const target = new AudioTarget({ codec, copies, fixes: "format" });
  const output = soundStream(input).pipeThrough(
    stages.add(transcodeAudio({ calls: UNRECORDED_CALLS, target, observer })),
  );
  for await (const packet of output) made.push(packet);
  await stages.settled();
  return made;
}
