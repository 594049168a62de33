/** The audio track of fragmented MP4 over an engine's death: readers take its description once. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { tsSegments } from "../support/clip.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { api, collect, enginePid, sendClip } from "../support/live-stream.ts";
import { readMp4 } from "../support/mp4-boxes.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);
quietLibav();

test("audio that was promised before it came keeps its format in the next engine", async () => {
  await using server = await startServer(MAIN);
  const pid = await enginePid(server.url);
  const stop = new AbortController();
  const media = await synthetic({
    parts: [{ width: 128, height: 96, frames: 900 }],
    audio: { codec: "aac" },
  });
  if (media.audio === null) throw new Error("the clip has no audio");
  // Its program map announces AAC, which would be copied if it were there from the start.
  const late = media.audio.packets.filter(({ pts }) => pts > 2 * 90_000);
  const clip = tsSegments({ ...media, audio: { ...media.audio, packets: late } });
  const input_url = `${server.url}/trickle/in`;
  const stream_url = `${server.url}/trickle/out`;
  const { signal } = stop;
  await sendClip(input_url, clip, { seconds: 30, signal });
  const { start, stream, stop: stopStream } = api(server.url);
  const id = await start({ stream_url, input_url, model: "identity", segment_seconds: 1 });
  const output = collect(stream_url, signal);
  await waitFor("audio to come", () => output.segments.length >= 4);

  process.kill(pid, "SIGKILL");
  const before = output.segments.length;
  await waitFor("three more", () => output.segments.length >= before + 4, 20_000);
  expect((await stream(id)).stats.restarts).toBe(1);
  await stopStream(id);
  await output.ended;
  stop.abort();

  const whole = output.segments.filter(({ bytes }) => isWhole(bytes)).map(({ bytes }) => bytes);
  expect(whole.length).toBeGreaterThan(before);
  const entries = whole.map((bytes) =>
    readMp4(bytes)
      .tracks.map(({ entry }) => entry)
      .join(),
  );
  expect(new Set(entries)).toEqual(new Set(["avc1,Opus"]));
});

/** False for the segment that was cut off. */
function isWhole(bytes: Uint8Array): boolean {
  try {
    readMp4(bytes);
    return true;
  } catch {
    return false; // it ends within a box
  }
}
