/** Lets time pass for code that measures it by `performance.now`, without waiting. */
import { spyOn } from "bun:test";

const realNow = performance.now.bind(performance);
let aheadMs = 0;

/** Puts `performance.now` ahead until the result is disposed. */
export function ahead(ms: number): Disposable {
  aheadMs += ms;
  const clock = spyOn(performance, "now").mockImplementation(() => realNow() + aheadMs);
  return {
    [Symbol.dispose]() {
      aheadMs -= ms;
      if (aheadMs === 0) clock.mockRestore();
    },
  };
}
