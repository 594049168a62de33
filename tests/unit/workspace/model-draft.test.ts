/** Drafts of real files: each is a model.json that the catalogue takes as it is. */
import { expect, test } from "bun:test";
import { Glob } from "bun";
import { draftModelJson } from "../../../src/workspace/model-draft.ts";
import { sharedData } from "../../support/shared-data.ts";

const models = sharedData("models");

test.skipIf(models === null)(
  "every file of the shared models gets a draft that needs no edit",
  async () => {
    const files = await Array.fromAsync(new Glob("**/*.onnx").scan(models ?? ""));
    expect(files.length).toBeGreaterThan(70);
    const drafts = await Promise.all(
      files.map(async (file) => ({ file, draft: await draftModelJson(`${models}/${file}`) })),
    );
    expect(drafts.filter(({ draft }) => draft.problems.length > 0)).toEqual([]);
  },
);

test.skipIf(models === null)(
  "all ports of the trained networks have the role that their table entries state",
  async () => {
    const files = await Array.fromAsync(new Glob("{trained,style}/*.onnx").scan(models ?? ""));
    for (const file of files) {
      const { json, signature, network, guesses } = await draftModelJson(`${models}/${file}`);
      expect([file, network === null, guesses]).toEqual([file, false, []]);
      expect(Object.keys(json.inputs ?? {})).toEqual(signature.inputs.map(({ name }) => name));
      expect(Object.keys(json.outputs ?? {})).toEqual(signature.outputs.map(({ name }) => name));
    }
  },
);
