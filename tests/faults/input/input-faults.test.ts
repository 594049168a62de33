import { afterAll, beforeAll, expect, test } from "bun:test";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { Worker } from "../rig/worker.ts";
import { runInputCase } from "./input-case.ts";
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
  worker = await Worker.start();
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
});

for (const [name, container] of PICK) {
  test.concurrent(`${container}: ${name}: the stream goes on, and its output can be played`, async () => {
    if (!worker || !media) throw new Error("no worker");
    const fault = INPUT_FAULTS.find((each) => each.name === `input: ${name}`);
    if (!fault) throw new Error(`no fault "${name}"`);
    const outcome = await runInputCase({
      ...{ worker, media, container, fault },
      ...{ lastsMs: 800, segments: 1, params: { width: 128, height: 72 } },
    });
    expect(outcome.problems).toEqual([]);
  });
}

test("no two faults have one name", () => {
  const names = INPUT_FAULTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
