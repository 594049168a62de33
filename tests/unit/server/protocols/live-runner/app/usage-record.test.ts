import { expect, test } from "bun:test";
import {
  costEstimate,
  usageRecord,
} from "../../../../../../src/server/protocols/live-runner/app/usage-record.ts";

const usage = { started_at: "2026-11-29T12:00:00.000Z", duration_s: 900, megapixels: 0 };
/** Half an hour of 1280 x 720 at 30 frames a second. */
const HALF_AN_HOUR_MEGAPIXELS = (1280 * 720 * 30 * 1800) / 1e6;

test.each([
  ["hour", usage, 0.5],
  ["fixed", usage, 2],
  ["fixed", { ...usage, started_at: null }, 0],
  ["720p", { ...usage, megapixels: HALF_AN_HOUR_MEGAPIXELS }, 1],
] as const)("2 USD by %s", (unit, used, amount) => {
  expect(costEstimate(used, { price: 2, unit })).toEqual({ amount, currency: "usd", basis: unit });
});

test("a session that was never started has a record of nothing", () => {
  const outcome = { status: "expired", reason: "unused" } as const;
  const endedAt = new Date("2026-11-29T12:00:00.000Z");
  const session = { id: "s", outcome, running: null, endedAt };
  expect(usageRecord(session, null, { price: 2, unit: "fixed" })).toMatchObject({
    session: "s",
    ...outcome,
    started_at: null,
    ended_at: "2026-11-29T12:00:00.000Z",
    duration_s: 0,
    frames_in: 0,
    preset: null,
    compute_at_start: null,
    startup_s: null,
    cost_estimate: { amount: 0 },
  });
});
