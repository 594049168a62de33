import { expect, test } from "bun:test";
import { LogOutput } from "../../src/log-output.ts";

const LINE = "x".repeat(1024);

/** A stream whose reader reads when it is told to. */
function slowReader() {
  const waiting: (() => void)[] = [];
  let written = 0;
  const stream = {
    write: (text: string, done: () => void) => {
      written += text.length;
      waiting.push(done);
    },
  };
  const read = () => {
    for (const done of waiting.splice(0)) done();
  };
  return { stream, read, written: () => written };
}

test("for a reader that does not read, a megabyte waits; the rest is left out and counted", () => {
  const { stream, read, written } = slowReader();
  const lost: number[] = [];
  const output = new LogOutput(stream, (lines) => lost.push(lines));
  for (let n = 0; n < 3000; n++) output.write(LINE);
  expect(written()).toBe(1024 * 1024);
  expect(lost).toEqual([]);
  read();
  expect(lost).toEqual([3000 - 1024]);
  output.write(LINE);
  expect(written()).toBe(1024 * 1024 + 1024);
});

test("a reader that keeps up loses nothing", () => {
  const { stream, read, written } = slowReader();
  const output = new LogOutput(stream, () => expect.unreachable());
  for (let n = 0; n < 3000; n++) {
    output.write(LINE);
    read();
  }
  expect(written()).toBe(3000 * 1024);
});
