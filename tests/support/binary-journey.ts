/** What a user does with the binary from its first start to its end, with the checks. Runs in tests and at a release. */
import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BinaryPlace } from "./binary.ts";
import { hasFfmpeg } from "./ffmpeg.ts";
import { framesByFfmpeg } from "./ffmpeg-frames.ts";
import { api, collect, enginePid } from "./live-stream.ts";
import { waitFor } from "./wait-for.ts";

const SIZE = { width: 256, height: 256, segment_seconds: 1 };

/**
 * Adds `trained` to a workspace (without it a built-in model stands in), opens the page, draws a stream and restyles it,
 * kills the engine, and shuts down.
 */
export async function travel(place: BinaryPlace, trained: string | null): Promise<void> {
  const workspace = join(place.home, "workspace");
  await mkdir(workspace);
  await place.give(workspace);
  const model = trained === null ? "restyle" : "painted";
  if (trained !== null) await addModel(place, trained, model, workspace);

  const server = await place.serve(["--workspace", workspace]);
  const { url } = server;
  const worker = api(url);
  await enginePid(url);
  const page = await (await fetch(url)).text();
  assert.ok(page.includes(`data-channels="${url}/trickle"`), "the page knows its channels");
  assert.equal((await fetch(`${url}/openapi/viewer.js`)).status, 200);

  const [drawn, painted] = [`${url}/trickle/drawn`, `${url}/trickle/painted`];
  await worker.start({ ...SIZE, stream_url: drawn });
  const id = await worker.start({ ...SIZE, model, input_url: drawn, stream_url: painted });
  const reading = new AbortController();
  const outputs = [drawn, painted].map((channel) => collect(channel, reading.signal));
  const counts = () => outputs.map((output) => output.segments.length);
  await waitFor("segments of both", () => counts().every((count) => count >= 2), 60_000);

  const killed = await enginePid(url);
  process.kill(killed, "SIGKILL");
  const before = counts();
  const bothGoOn = () => counts().every((count, n) => count >= (before[n] ?? 0) + 3);
  await waitFor("both streams to go on without their engine", bothGoOn, 60_000);
  const { status, stats } = await worker.stream(id);
  assert.deepEqual({ status, restarts: stats.restarts }, { status: "active", restarts: 1 });
  const successor = await enginePid(url);
  assert.notEqual(successor, killed);

  server.child.kill("SIGTERM");
  assert.equal(await server.child.exited, 0, "it ends in order");
  assert.throws(() => process.kill(successor, 0), "its engine is gone");
  reading.abort();
  for (const output of outputs) {
    const whole = output.segments.filter(({ complete }) => complete);
    for (const segment of [whole[0], whole.at(-2)]) await assertPlays(segment?.bytes);
  }
}

async function addModel(
  place: BinaryPlace,
  file: string,
  model: string,
  workspace: string,
): Promise<void> {
  // Into the only folder that the program sees and that is not its own.
  const copy = join(place.home, basename(file));
  await copyFile(file, copy);
  await chmod(copy, 0o644);
  const added = await place.run(["models", "add", copy, "--name", model, "--workspace", workspace]);
  assert.equal(added.code, 0, added.err);
}

/** By another decoder than the product's, where there is one. */
async function assertPlays(segment: Uint8Array | undefined): Promise<void> {
  assert.equal(new TextDecoder().decode(segment?.subarray(4, 8)), "ftyp");
  if (!hasFfmpeg || segment === undefined) return;
  const frames = await framesByFfmpeg([segment]);
  // How many a busy machine draws in a second is nothing to judge.
  assert.ok(frames.length > 0, "ffmpeg finds no frame in a segment");
}

/** Names what the program left outside its cache and workspace. */
export const leftBehind = async (place: BinaryPlace): Promise<string[]> =>
  (await readdir(place.home)).filter((name) => !/^\.cache$|^workspace$|\.onnx$/.test(name));
