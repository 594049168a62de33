/** The judge of loads: what breaks a promise, and when nothing can be said. */
import { expect, test } from "bun:test";
import { judged, type Media, mediaPromises } from "./load.ts";
import type { Seen } from "./scene.ts";

const CALM: Seen = {
  seconds: 6,
  healthP99: 20,
  crowding: 1,
  drawn: { frames: 90, lost: 0 },
  filmed: { frames: 180, lost: 0, p50: 60, p99: 100 },
};
const QUIET: Media["quiet"] = [CALM, CALM];
const filmed = (changed: Partial<Seen["filmed"]>): Seen => ({
  ...CALM,
  filmed: { ...CALM.filmed, ...changed },
});

test.each<[string, Seen, boolean]>([
  ["as in the quiet times", CALM, true],
  ["one frame in 270 lost", filmed({ lost: 1 }), true],
  ["two frames in 270 lost", filmed({ lost: 2 }), false],
  ["a latency of 250 ms after 100 ms", filmed({ p99: 250 }), true],
  ["a latency of 251 ms after 100 ms", filmed({ p99: 251 }), false],
  ["a /health without an answer", { ...CALM, healthP99: Number.POSITIVE_INFINITY }, false],
])("%s", (_what, loaded, isKept) => {
  const promises = mediaPromises(QUIET, loaded);
  expect(judged(promises, QUIET)).toBe(isKept ? "kept" : "broken");
});

test("on a machine that is busy with other things nothing is judged, and the load's own work is no excuse", () => {
  const broken = mediaPromises(QUIET, filmed({ lost: 100 }));
  expect(judged(broken, [CALM, { ...CALM, crowding: 3 }])).toBe("not judged");
  expect(judged(mediaPromises(QUIET, { ...filmed({ lost: 100 }), crowding: 20 }), QUIET)).toBe(
    "broken",
  );
});
