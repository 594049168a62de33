/** Compares palettes with those of ComfyUI; `graph-nodes.test.ts` compares everything else. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type PackedPicture, readPackedPicture } from "../../src/engine/codec/packed-picture.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { runImages } from "../support/image-graphs.ts";
import { sharedData } from "../support/shared-data.ts";

interface GoldenNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface GoldenCase {
  readonly id: string;
  readonly graph: Readonly<Record<string, GoldenNode>>;
  /** Picture files of the batch, by the end of the id of the node that saves them. */
  readonly outputs?: Readonly<Record<string, readonly string[]>>;
}

const runs = (name: string): boolean => {
  const { fragment, run } = NODE_CLASSES.get(name) ?? {};
  return fragment !== undefined || run !== undefined;
};

const folder = sharedData("golden/images");

async function picturesIn(path: string, names: readonly string[]) {
  const pictures: Record<string, PackedPicture> = {};
  for (const name of names) {
    pictures[name] = await readPackedPicture(await Bun.file(join(path, name)).bytes());
  }
  return pictures;
}

if (folder === null) {
  test.skip("golden images: ../shared/data is absent", () => {});
} else {
  const { cases } = (await Bun.file(join(folder, "cases.json")).json()) as { cases: GoldenCase[] };
  const inputs = join(folder, "inputs");
  const given = await picturesIn(
    inputs,
    readdirSync(inputs).filter((name) => name.endsWith(".png")),
  );
  describe("ComfyUI's pictures of few colours", () => {
    for (const { id, graph, outputs = {} } of cases) {
      if (!id.startsWith("ImageQuantize")) continue;
      test(id, async () => {
        const shown = await runImages(graph, given);
        for (const [key, files] of Object.entries(outputs)) {
          const actual = shown[`save_${key}`] as Tensor;
          const pictures = Object.values(await picturesIn(folder, files));
          expect(actual.dims).toEqual([pictures.length, ...dimsOf(pictures)]);
          const wanted = Buffer.concat(pictures.map(({ data }) => data));
          // The palette is our own: it must come as close to the picture as Pillow's.
          const source = loadedBy(graph, given);
          const reference = meanDifference(wanted, source);
          expect(meanDifference(actual.data, source) / reference).toBeLessThanOrEqual(1.15);
        }
      });
    }
    test("and every class of the others runs here", () => {
      const classes = cases.flatMap(({ outputs, graph }) =>
        outputs ? Object.values(graph).map((node) => node.class_type) : [],
      );
      expect(classes.filter((name) => !runs(name))).toEqual([]);
    });
  });
}

const dimsOf = ([first]: readonly PackedPicture[]): number[] =>
  first === undefined ? [] : [first.height, first.width, first.channels];

/** The samples of the picture that a graph loads. */
function loadedBy(
  graph: GoldenCase["graph"],
  pictures: Readonly<Record<string, PackedPicture>>,
): Uint8Array {
  const node = Object.values(graph).find(({ class_type }) => class_type === "LoadImage");
  const picture = pictures[String(node?.inputs["image"])];
  if (picture === undefined) throw new Error("the graph loads no picture");
  return picture.data;
}

function meanDifference(one: Tensor["data"], other: Uint8Array): number {
  const sum = other.reduce((total, value, at) => total + Math.abs(value - Number(one[at])), 0);
  return sum / other.length;
}
