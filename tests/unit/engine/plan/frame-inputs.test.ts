/** When the models of a plan begin with a frame. */
import { expect, test } from "bun:test";
import { PictureConverter } from "../../../../src/engine/codec/picture-converter.ts";
import { FrameInputs } from "../../../../src/engine/plan/frame-inputs.ts";
import { UNRECORDED_CALLS } from "../../../../src/engine/protocol/call-journal.ts";
import { ticks } from "../../../../src/media/time.ts";

const SIZE = { width: 16, height: 16 };

test("a plan of several models has begun when the device begins with its first model", async () => {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const params = {
    prompts: [],
    model: "m",
    fit: "cover",
    paused: false,
    model_params: {},
  } as const;
  const inputs = new FrameInputs(converter, { frame: null, pts: ticks(0), size: SIZE, params });
  expect(inputs.begunAt).toBeNull();
  inputs.started();
  await inputs.begun;
  const first = inputs.begunAt;
  while (performance.now() === first);
  inputs.started();
  expect(inputs.begunAt).toBe(first);
});
