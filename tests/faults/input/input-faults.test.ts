import { afterAll, beforeAll, expect, test } from "bun:test";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { waitFor } from "../../support/wait-for.ts";
import { Worker } from "../rig/worker.ts";
import { ClipFeed } from "./clip-feed.ts";
import { inputProblems } from "./input-case.ts";
import { INPUT_FAULTS } from "./input-faults.ts";
import type { InputContainer } from "./input-feed.ts";

/** A pick of the matrix: the rest takes minutes. */
const PICK: readonly (readonly [fault: string, container: InputContainer])[] = [
  ["a third of the bytes of all tables flipped", "fmp4"],
  ["one byte in a hundred flipped", "mpegts"],
  ["the container changes, with a page between", "mpegts"],
  ["time an hour ahead", "matroska"],
];

let worker: Worker | undefined;
let media: ReadMedia | undefined;
beforeAll(async () => {
  quietLibav();
  const clip = { fps: 25, gop: 10, start: 90_000, audio: { codec: "aac" } } as const;
  media = await synthetic({ parts: [{ width: 192, height: 108, frames: 40 }], ...clip });
  worker = await Worker.start({ flags: ["--max-streams", "8"] }); // all at once
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
});

for (const [name, container] of PICK) {
  test.concurrent(`${container}: ${name}: the stream goes on, and its output can be played`, async () => {
    if (!worker || !media) throw new Error("no worker");
    const fault = INPUT_FAULTS.find((each) => each.name === `input: ${name}`);
    if (!fault) throw new Error(`no fault "${name}"`);
    expect(await inputProblems({ worker, media, container, fault })).toEqual([]);
  });
}

test.concurrent("a stream whose first segments cannot be read says so at once, waits, and plays what comes then", async () => {
  if (!worker || !media) throw new Error("no worker");
  const options = { url: worker.channel("foreign-in"), container: "mpegts", media } as const;
  await using feed = await ClipFeed.open(options);
  feed.replace(() => [new TextEncoder().encode("<html>502 Bad Gateway</html>".repeat(400))]);
  await waitFor("the page to be sent", () => feed.sent > 2);
  const channels = { input_url: feed.url, stream_url: worker.channel("foreign-out") };
  const size = { width: 128, height: 72 };
  const id = await worker.api.start({ ...channels, ...size, model: "identity" });
  const stream = () => worker?.api.stream(id);
  await waitFor("the trouble to be named", async () =>
    /neither MPEG-TS.*begins with 3c 68 74 6d 6c/.test((await stream()).error),
  );
  expect(await stream()).toMatchObject({ status: "active", stats: { frames_out: 0, restarts: 0 } });
  feed.restore();
  await waitFor("output", async () => (await stream()).stats.frames_out > 0);
  await waitFor("the trouble to be over", async () => (await stream()).error === undefined);
  await worker.api.stop(id);
});
