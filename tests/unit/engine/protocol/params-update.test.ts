import { expect, test } from "bun:test";
import { paramsUpdate, updatedBy } from "../../../../src/engine/protocol/params-update.ts";
import type { StreamParams } from "../../../../src/engine/protocol/work.ts";

const of = (model_params: StreamParams["model_params"]): StreamParams => ({
  prompts: [],
  model: "painter",
  fit: "cover",
  paused: false,
  model_params,
});
const [A, B] = ["data:image/png;base64,AAAA", "data:image/png;base64,BBBB"];

test.each([
  ["a picture that stays", { image: A, strength: 1 }, { image: A, strength: 2 }, ["image"]],
  ["a picture that changes", { image: A }, { image: B }, []],
  ["a new picture", {}, { image: A }, []],
  ["a picture that is reset", { image: A, mask: B }, { mask: B }, ["mask"]],
  ["no pictures", { strength: 1, style: [1, 0] }, { strength: 1, style: [1, 0] }, []],
])(
  "with %s the engine has all parameters, and pictures that stay are not sent",
  (_, before, now, kept) => {
    const update = paramsUpdate(of(now), of(before));
    expect(update.kept).toEqual(kept);
    for (const name of kept) expect(update.params.model_params).not.toHaveProperty(name);
    expect(updatedBy(update, of(before))).toEqual(of(now));
  },
);
