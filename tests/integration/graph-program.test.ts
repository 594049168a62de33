/** What the program of graphs keeps of a lane that was forgotten: enough for a stream to take its trial over. */
import { afterEach, expect, spyOn, test } from "bun:test";
import { tmpdir } from "node:os";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { GraphProgram } from "../../src/engine/device/worker/graph-program.ts";
import { ImageSessions } from "../../src/engine/graph/run/image-sessions.ts";
import type { RunItem } from "../../src/engine/models/roles/role.ts";

const node = (class_type: string, inputs: object) => ({ class_type, inputs });
const graph = JSON.stringify({
  1: node("EmptyImage", { width: 64, height: 64, batch_size: 1, color: 255 }),
  2: node("ImageInvert", { image: ["1", 0] }),
  3: node("PreviewImage", { images: ["2", 0] }),
});
const itemOf = (lane: string): RunItem => ({
  lane,
  picture: null,
  original: null,
  size: { width: 64, height: 64 },
  values: { prompts: { prompts: [], graphs: [graph] } },
});

const runs = spyOn(ImageSessions.prototype, "run");
afterEach(() => void runs.mockClear());

const KEPT_MS = 100;

test("the next lane takes over what a forgotten one has computed, but not for long", async () => {
  const source = { workspace: tmpdir(), models: {}, graphs: [graph], kind: "picture" as const };
  const program = await GraphProgram.open(source, parseDevice("cpu").settings, KEPT_MS);
  await program.run([itemOf("trial")]);
  expect(runs).toHaveBeenCalledTimes(2);
  program.forget("trial");
  await program.run([itemOf("stream")]);
  expect(runs).toHaveBeenCalledTimes(2);
  program.forget("stream");
  await Bun.sleep(KEPT_MS + 1); // a timer that ends after the program's
  await program.run([itemOf("later")]);
  expect(runs).toHaveBeenCalledTimes(4);
  await program.release();
});
