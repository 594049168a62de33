/** Tests what the page says of settings that are not in the picture yet. */
import { expect, test } from "bun:test";
import type { Stream } from "../../../src/playground/api.ts";
import { pendingText } from "../../../src/playground/pending.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";

const SINCE = "2026-01-01T00:00:00.000Z";
const since = Date.parse(SINCE);

function text(model: string, stats: object, pending: object = { pending: { since: SINCE } }) {
  const stream = {
    params: { model },
    created_at: SINCE,
    stats: { fps_in: 24, frames_out: 100, ...stats },
    ...pending,
  };
  return pendingText(stream as Stream, { models: MODEL_GALLERY, now: since + 2000 });
}

test("a model that loads and a graph are named", () => {
  expect(text("loading", {})).toBe("Loading loading …");
  expect(text("asleep", { frames_out: 0 })).toBe("Loading asleep …");
  expect(text("comfyui", { frames_out: 0 })).toBe("Preparing the graph …");
  expect(text("comfyui", { fps_in: 0 })).toBe("");
});

test("other changes are named only while frames come in and out", () => {
  expect(text("painter", {})).toBe("Applying the change …");
  expect(text("painter", { fps_in: 0 })).toBe("");
  expect(text("painter", { frames_out: 0 })).toBe("");
});

test("a stream waits for a model that loads, though no change is pending", () => {
  expect(text("asleep", {}, {})).toBe("Loading asleep …");
  expect(text("painter", {}, {})).toBe("");
});

test("nothing is said where nothing is pending, or not for long", () => {
  expect(text("comfyui", {}, {})).toBe("");
  expect(text("loading", {}, { pending: { since: new Date(since + 1500).toISOString() } })).toBe(
    "",
  );
});
