import { describe, expect, test } from "bun:test";
import { LiveEdge, MAX_BEHIND } from "../../../../src/playground/media/live-edge.ts";

const start = 0;

describe("the playhead", () => {
  test("jumps to live when it is far behind, as after the page was asleep", () => {
    const move = new LiveEdge().move({ at: 10, start, edge: 10 + MAX_BEHIND + 0.1 });
    expect(move).toMatchObject({ kind: "jump" });
    if (move.kind === "jump") expect(10 + MAX_BEHIND + 0.1 - move.to).toBeLessThan(0.2);
  });

  test("jumps over a gap to the newest range", () => {
    const move = new LiveEdge().move({ at: 4, start: 4.7, edge: 4.75 });
    expect(move).toEqual({ kind: "jump", to: 4.7 });
  });

  test("jumps back when media times restart", () => {
    expect(new LiveEdge().move({ at: 500, start, edge: 0.5 })).toMatchObject({ kind: "jump" });
  });

  test("plays a little faster when behind, a little slower when ahead, otherwise at rate 1", () => {
    const live = new LiveEdge();
    const rate = (behind: number) => {
      const move = live.move({ at: 10, start, edge: 10 + behind });
      return move.kind === "rate" ? move.rate : Number.NaN;
    };
    expect(rate(0.5)).toBeGreaterThan(1.2);
    expect(rate(0.25)).toBeGreaterThan(1);
    expect(rate(live.target - 0.01)).toBe(1);
    expect(rate(0.01)).toBeLessThan(1);
  });
});

/** Plays media of 24 pictures a second that come in time, and calls `each` with the distance to live. */
function play(live: LiveEdge, seconds: number, each: (behind: number) => void = () => {}): number {
  let at = 10;
  let behind = 0.2;
  for (let edge = at + behind; edge < 10 + seconds; edge += 1 / 24) {
    behind = edge - at;
    each(behind);
    const move = live.move({ at, start, edge });
    at = move.kind === "jump" ? move.to : at + move.rate / 24;
  }
  return behind;
}

describe("the distance to live", () => {
  test("comes down to the target, and stays there", () => {
    const live = new LiveEdge();
    play(live, 4);
    const behind: number[] = [];
    play(live, 8, (each) => behind.push(each));
    expect(Math.max(...behind.slice(-24))).toBeLessThan(live.target + 0.01);
    expect(Math.min(...behind)).toBeGreaterThan(live.target - 0.02);
  });

  test("is lowered ever more rarely where that leads to stalls", () => {
    const live = new LiveEdge();
    let stalls = 0;
    play(live, 240, () => {
      if (live.target > 0.08) return;
      stalls++;
      live.stalled();
    });
    expect(stalls).toBeWithin(2, 8);
  });

  test("is kept within a frame, however far stalls have moved it", () => {
    const live = new LiveEdge();
    for (let n = 0; n < 5; n++) live.stalled();
    const move = live.move({ at: 10, start, edge: 10 + live.target + 0.06 });
    expect(move.kind === "rate" && move.rate).toBeGreaterThan(1);
  });

  test("grows with every stall, up to a bound below a second", () => {
    const live = new LiveEdge();
    const before = live.target;
    live.stalled();
    expect(live.target).toBeGreaterThan(before);
    for (let n = 0; n < 100; n++) live.stalled();
    expect(live.target).toBeLessThan(MAX_BEHIND);
  });

  test("shrinks again without stalls", () => {
    const live = new LiveEdge();
    for (let n = 0; n < 3; n++) live.stalled();
    const stalled = live.target;
    for (let edge = 1; edge < 60; edge += 0.5) live.move({ at: edge - live.target, start, edge });
    expect(live.target).toBeLessThan(stalled);
  });
});
