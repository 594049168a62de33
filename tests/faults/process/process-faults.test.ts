/** A few faults of processes strike a real worker in check; all of them run by `bun run faults`. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { FrameWatch } from "../../support/frame-watch.ts";
import { waitFor } from "../../support/wait-for.ts";
import { faultyTrickle } from "../peer/faulty-trickle.ts";
import { Worker } from "../rig/worker.ts";
import { PROCESS_FAULTS } from "./process-faults.ts";

setDefaultTimeout(60_000);

const FPS = 15;

let worker: Worker;
let stream: string;
let output: FrameWatch;

beforeAll(async () => {
  worker = await Worker.start({ flags: ["--device", "cpu"] });
  const fields = { model: "test-card", width: 64, height: 64, fps: FPS };
  stream = await worker.api.start({ ...fields, stream_url: worker.channel("drawn") });
  output = new FrameWatch(worker.channel("drawn"), FPS);
  await frames(FPS);
});
afterAll(async () => {
  await output[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();
});

async function frames(count: number): Promise<void> {
  output.reset();
  await waitFor("output", () => output.frames >= count, 30_000);
}

test.each([
  ["clock: an hour forward, and back", 0],
  ["engine: channel to the server cut", 1],
])("%s", async (name, restarts) => {
  const fault = PROCESS_FAULTS.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`no fault "${name}"`);
  const before = (await worker.api.stream(stream)).stats.restarts;
  await using trickle = await faultyTrickle({ target: worker.url });
  const site = { worker, trickle, stream: { id: stream, model: "test-card" }, input: null };
  const lift = await fault.inject(site);
  await waitFor("the deaths", async () => {
    const { stats } = await worker.api.stream(stream);
    return stats.restarts === before + restarts;
  });
  await frames(FPS);
  await lift();
  await frames(FPS);
  const { status, error, stats } = await worker.api.stream(stream);
  expect([status, error ?? null, stats.restarts]).toEqual(["active", null, before + restarts]);
});
