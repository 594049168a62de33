/** Image graphs give the very pixels that ComfyUI saved; a selection that every clone has. */
import { expect, test } from "bun:test";
import { type PackedPicture, readPackedPicture } from "../../src/engine/codec/packed-picture.ts";
import reference from "../reference/image-nodes.json";
import { runImages } from "../support/image-graphs.ts";

const pictures: Record<string, PackedPicture> = {};
for (const [name, file] of Object.entries(reference.inputs)) {
  pictures[name] = await readPackedPicture(Uint8Array.fromBase64(file));
}

for (const { id, graph, pixels } of reference.cases) {
  test(id, async () => {
    const shown = await runImages(JSON.parse(graph), pictures);
    const actual = Object.entries(shown).map(([node, { data }]) => [node, digest(data)]);
    expect(Object.fromEntries(actual)).toEqual(pixels);
  });
}

const digest = (samples: NodeJS.TypedArray): string =>
  new Bun.CryptoHasher("sha256").update(samples).digest("hex").slice(0, 16);
