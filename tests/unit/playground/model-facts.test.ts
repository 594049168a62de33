/** Tests how the playground describes models. */
import { describe, expect, test } from "bun:test";
import type { Model } from "../../../src/playground/api.ts";
import { aboutText, factsOf, progressOf, stateText } from "../../../src/playground/model-facts.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";

const model = (name: string): Model => {
  const found = MODEL_GALLERY.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name} in the gallery`);
  return found;
};

describe("the state", () => {
  test("says how long a load takes, and how long it will still take", () => {
    expect(stateText(model("asleep"), 0)).toBe("Loads in about 4 s");
    expect(stateText(model("loading"), 5000)).toBe("Loading, about 15 s left");
    const slow = { ...model("loading"), load_estimate_ms: 600_000 };
    expect(stateText(slow, 0)).toBe("Loading, about 10 min left");
  });

  test("promises nothing where the estimate is unknown or was too short", () => {
    const { load_estimate_ms: _, ...unknown } = model("loading");
    expect(stateText(unknown, 5000)).toBe("Loading …");
    expect(progressOf(unknown, 5000)).toBeNull();
    expect(stateText(model("loading"), 30_000)).toBe("Loading …");
    expect(progressOf(model("loading"), 30_000)).toBeLessThan(1);
    expect(progressOf(model("loading"), 10_000)).toBe(0.5);
  });

  test("says when changed files are not used", () => {
    expect(stateText(model("painter"), 0)).toBe("Ready on cpu");
    expect(stateText({ ...model("painter"), error: "x" }, 0)).toBe(
      "Ready, but its changed files are not used",
    );
  });
});

test("the facts name what it takes, its source and its licence", () => {
  expect(factsOf(model("painter"))).toEqual([
    "takes video",
    "ignores prompts",
    "from the workspace",
    "licence Apache-2.0",
  ]);
  expect(factsOf(model("describer"))).toEqual([
    "draws without video",
    "takes prompts",
    "built in",
    "licence Apache-2.0",
  ]);
  expect(factsOf({ ...model("painter"), source: "models/a copy" })).toContain("from models/a copy");
  expect(factsOf(model("mixer"))).toContain("licence not stated");
  // Built-in models are part of the program and have its licence.
  expect(factsOf({ ...model("describer"), license: "" }).join()).not.toContain("licence");
});

test("a description is a sentence, and says what replaces a video that is needed", () => {
  const copyist = { ...model("copyist"), description: "Paints like a picture" };
  expect(aboutText(copyist, "video")).toBe("Paints like a picture.");
  expect(aboutText(copyist, "none")).toBe(
    "Paints like a picture. Its input is a moving test picture.",
  );
  expect(aboutText({ ...copyist, description: "" }, "video")).toBe("");
  expect(aboutText(model("painter"), "none")).toBe(model("painter").description);
});
