/** What the models of a plan get for one frame, and when. */
import { expect, test } from "bun:test";
import { PictureConverter } from "../../../../src/engine/codec/picture-converter.ts";
import { identity } from "../../../../src/engine/models/built-in/identity.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import { parseGraph, signatureOf } from "../../../../src/engine/models/tensor-signature.ts";
import { FrameInputs } from "../../../../src/engine/plan/frame-inputs.ts";
import { RunningNode } from "../../../../src/engine/plan/plan-node.ts";
import { UNRECORDED_CALLS } from "../../../../src/engine/protocol/call-journal.ts";
import { ticks } from "../../../../src/media/time.ts";
import { FakeModel } from "../../../support/fake-model.ts";

const SIZE = { width: 16, height: 16 };

test("a plan of several models counts as given when its first model has its pictures", async () => {
  const calls = UNRECORDED_CALLS;
  using converter = new PictureConverter(calls);
  const params = {
    prompts: [],
    model: "m",
    fit: "cover",
    paused: false,
    model_params: {},
  } as const;
  const inputs = new FrameInputs(converter, { frame: null, pts: ticks(0), size: SIZE, params });
  const model = new FakeModel(
    defineModel("m", identity.json, signatureOf(parseGraph(identity.graph()))),
  );
  const { signal } = new AbortController();
  const node = { model: "m", isFeeder: false };
  const running = new RunningNode(node as RunningNode["node"], model, { key: "s", calls, signal });
  await inputs.picturesFor(running, SIZE);
  const first = inputs.givenAt;
  expect(first).toBeGreaterThan(0);
  while (performance.now() === first);
  await inputs.picturesFor(running, SIZE);
  expect(inputs.givenAt).toBe(first);
});
