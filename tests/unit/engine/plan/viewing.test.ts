import { expect, test } from "bun:test";
import { Viewing } from "../../../../src/engine/plan/viewing.ts";

/** A viewing, and what it has reported. */
function watched() {
  const reports: string[] = [];
  const viewing = new Viewing(
    ({ output, reason = "" }) => void reports.push(`${output} ${reason}`),
  );
  return { viewing, reports };
}

test("what the frames show is reported with the first one and when it changes", () => {
  const { viewing, reports } = watched();
  for (const reason of ["loading", "loading", null, null, "stalled", "model_failed"] as const) {
    viewing.frame(reason);
  }
  expect(reports).toEqual([
    "fallback loading",
    "live ",
    "fallback stalled",
    "fallback model_failed",
  ]);
});

test("a pause is reported at once, and its end with what the frames before it showed", () => {
  const { viewing, reports } = watched();
  viewing.frame("stalled");
  viewing.paused(true);
  viewing.paused(true);
  viewing.frame("loading"); // of the paused stream
  viewing.paused(false);
  viewing.frame(null);
  expect(reports).toEqual(["fallback stalled", "paused ", "fallback stalled", "live "]);
});

test("a stream that began paused shows nothing until its first frame after the pause", () => {
  const { viewing, reports } = watched();
  viewing.paused(false);
  viewing.paused(true);
  viewing.paused(false);
  expect(reports).toEqual(["paused "]);
  viewing.frame(null);
  expect(reports).toEqual(["paused ", "live "]);
});

test("what the first frame waits for is reported before it, and not after", () => {
  const { viewing, reports } = watched();
  viewing.waits("loading");
  viewing.waits("starting");
  viewing.frame(null);
  viewing.waits("loading");
  expect(reports).toEqual(["fallback loading", "fallback starting", "live "]);
});
