import { expect, test } from "bun:test";
import { SessionLife } from "../../../../../../src/server/protocols/live-runner/sessions/session-life.ts";
import {
  INPUT_ENDED,
  LOST,
  RELEASED,
  SHUTDOWN,
} from "../../../../../../src/server/protocols/live-runner/sessions/session-outcome.ts";
import { refusalOf } from "../app/refusal-of.ts";

test("the first outcome counts, and from then on calls are refused with it", () => {
  const life = new SessionLife();
  life.assertLives();
  expect(life.conclude(INPUT_ENDED, 5000)).toBe(true);
  expect(life.conclude(SHUTDOWN, 0)).toBe(false);
  expect([life.outcome, life.releaseAfterMs]).toEqual([INPUT_ENDED, 5000]);
  expect(refusalOf(() => life.assertLives())).toMatchObject({
    code: "invalid_state",
    extras: { session_status: "completed" },
  });
});

test("an outcome that is only presumed is corrected until the end", () => {
  const life = new SessionLife();
  expect(life.correct(RELEASED)).toBe(false);
  life.conclude(LOST, 5000);
  expect(life.correct(RELEASED)).toBe(false);
  life.presume();
  expect(life.correct(RELEASED)).toBe(true);
  life.end();
  expect(life.correct(SHUTDOWN)).toBe(false);
  expect([life.outcome, life.releaseAfterMs]).toEqual([RELEASED, 5000]);
});

test("its end has a date and an age, and settles whoever waits for it", async () => {
  const life = new SessionLife();
  life.conclude(SHUTDOWN, 0);
  expect([life.endedAt, life.msSinceEnd]).toEqual([null, 0]);
  life.end();
  await life.ended;
  expect(life.endedAt).toBeInstanceOf(Date);
});
