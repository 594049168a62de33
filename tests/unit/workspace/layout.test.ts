/** How models get their names from those of files and repositories. */
import { expect, test } from "bun:test";
import { isModelName } from "../../../src/engine/models/model-folder.ts";
import { toModelName } from "../../../src/workspace/layout.ts";

test("any text becomes a valid name that resembles it", () => {
  for (const [text, name] of [
    ["candy", "candy"],
    ["my model (final)", "my-model-final"],
    ["Modèle à l'huile", "Modele-a-l-huile"],
    ["..hidden", "hidden"],
    ["模型", "model"],
    ["", "model"],
    ["a".repeat(100), "a".repeat(64)],
    [`${"a".repeat(63)}-b`, "a".repeat(63)],
    ["mosaic_nc16_256", "mosaic_nc16_256"],
    ["v1.5-turbo", "v1.5-turbo"],
  ] as const) {
    expect(toModelName(text)).toBe(name);
    expect(isModelName(toModelName(text))).toBe(true);
  }
});
