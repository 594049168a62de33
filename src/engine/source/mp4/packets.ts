/** Turns the samples of a fragment into packets: Annex B for H.264 and H.265, times in ticks. */
import type { AudioPacket, EncodedPacket, VideoPacket } from "../../../media/encoded-packet.ts";
import { isClockTime, TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import { formatOfFrame } from "../audio-configs.ts";
import type { AudioEntry, VideoEntry } from "../sample-entry.ts";
import { codedPicture } from "../video-sample.ts";
import { DamagedFragment } from "./fragment.ts";
import type { LoadedSample } from "./samples.ts";

/** Null for samples of an entry that cannot be read. The packet has a copy of the data. */
export function packetOf(sample: LoadedSample, arrivedAt: number): EncodedPacket | null {
  const { track, entry: number } = sample.run;
  const entry = track.entries[number - 1] ?? track.entries[0];
  if (entry?.kind === "video") return videoPacket(sample, entry, arrivedAt);
  return entry?.kind === "audio" ? audioPacket(sample, entry, arrivedAt) : null;
}

const ticksOf = ({ run }: LoadedSample, time: number): number =>
  Math.round((time * TICKS_PER_SECOND) / run.track.timescale);

/** Throws `DamagedFragment` for a time that cannot be. */
function timeOf(sample: LoadedSample, time: number): Ticks {
  const moment = ticksOf(sample, time) + sample.run.track.shift;
  if (!isClockTime(moment)) throw new DamagedFragment("a sample's time is beyond all clocks");
  return ticks(moment);
}

function videoPacket(sample: LoadedSample, entry: VideoEntry, arrivedAt: number): VideoPacket {
  const { run, dts, data } = sample;
  const { orientation } = run.track;
  const pixelAspect = entry.pixelAspect ?? run.track.pixelAspect;
  return {
    kind: "video",
    ...codedPicture(entry, data, run.sync),
    pts: timeOf(sample, dts + run.offset),
    dts: timeOf(sample, dts),
    ...(orientation && { orientation }),
    ...(pixelAspect && { pixelAspect }),
    arrivedAt,
  };
}

function audioPacket(sample: LoadedSample, entry: AudioEntry, arrivedAt: number): AudioPacket {
  const { run, dts, data } = sample;
  return {
    kind: "audio",
    ...formatOfFrame(entry.format, data),
    data: data.slice(),
    pts: timeOf(sample, dts + run.offset),
    duration: ticks(ticksOf(sample, run.duration)),
    arrivedAt,
  };
}
