/** MPEG-TS over an engine's death: one joint, at which counters may jump, and nothing else changes. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { tsSegments } from "../support/clip.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { api, collect, enginePid, sendClip } from "../support/live-stream.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { counterBreaks, seenPackets, seenUnits } from "../support/ts-reader.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);
quietLibav();

const PACKET_BYTES = 188;

test("an engine killed in mid-stream: same map, rising stamps, counters broken at one joint alone", async () => {
  await using server = await startServer(MAIN);
  const pid = await enginePid(server.url);
  const stop = new AbortController();
  const media = await synthetic({
    parts: [{ width: 128, height: 96, frames: 900 }],
    audio: { codec: "opus" },
  });
  const input_url = `${server.url}/trickle/in`;
  const stream_url = `${server.url}/trickle/out`;
  const { signal } = stop;
  await sendClip(input_url, tsSegments(media), { seconds: 30, signal });
  const { start, stream, stop: stopStream } = api(server.url);
  const id = await start({
    stream_url,
    input_url,
    model: "identity",
    container: "mpegts",
    segment_seconds: 1,
  });
  const output = collect(stream_url, signal);
  await waitFor("two segments", () => output.segments.length >= 2);

  process.kill(pid, "SIGKILL");
  const before = output.segments.length;
  await waitFor("three more", () => output.segments.length >= before + 4);
  expect((await stream(id)).stats.restarts).toBe(1);
  await stopStream(id);
  await output.ended;
  stop.abort();

  // What was cut off in mid-packet cannot be read further.
  const segments = output.segments
    .map(({ bytes }) => bytes.subarray(0, bytes.length - (bytes.length % PACKET_BYTES)))
    .filter(({ length }) => length > 0)
    .map((bytes) => seenPackets(Uint8Array.from(bytes)));
  for (const packets of segments) {
    expect(counterBreaks(packets)).toEqual([]);
    expect(packets.slice(0, 3).map(({ pid }) => pid)).toEqual([0, 0x1000, 0x100]);
  }
  const packets = segments.flat();
  const tables = packets.filter(({ pid }) => pid === 0 || pid === 0x1000);
  expect(counterBreaks(tables)).toEqual([]);
  const maps = new Set(tables.filter(({ pid }) => pid).map(({ payload }) => String(payload)));
  expect(maps.size).toBe(1);

  const joints = segments.flatMap((each, index) =>
    each.some(({ discontinuity }) => discontinuity) ? [index] : [],
  );
  expect(joints.length).toBe(1);
  const [joint = 0] = joints;
  for (const part of [segments.slice(0, joint), segments.slice(joint)]) {
    expect(counterBreaks(part.flat())).toEqual([]);
  }
  for (const track of [0x100, 0x101]) {
    const times = seenUnits(packets, track).map(({ pts }) => pts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
  }
});
