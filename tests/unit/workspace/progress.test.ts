/** What is shown of a transfer on a terminal and elsewhere. */
import { expect, test } from "bun:test";
import { createProgress } from "../../../src/workspace/progress.ts";

const MIB = 2 ** 20;

function shown(isTTY: boolean, columns = 100) {
  let time = 0;
  const written: string[] = [];
  const output = { isTTY, columns, write: (text: string) => void written.push(text) };
  const progress = createProgress(output, () => time);
  return {
    progress,
    written,
    wait: (ms: number) => {
      time += ms;
    },
  };
}

test("on a terminal a bar is redrawn in place, with rate and time left", () => {
  const { progress, written, wait } = shown(true);
  const transfer = progress.start("x.onnx", 100 * MIB);
  wait(2000);
  transfer.advance(25 * MIB);
  expect(written).toEqual([
    "\r\x1b[Kx.onnx  [######------------------]  25.0 MiB of 100.0 MiB (25 %)  12.5 MiB/s, 0:06 left",
  ]);
  transfer.advance(MIB);
  expect(written.length).toBe(1);
  transfer.end();
  expect(written.at(-1)).toBe("\n");
});

test("a bar never fills its line", () => {
  const { progress, written, wait } = shown(true, 30);
  const transfer = progress.start("a very long name of a file.onnx", null);
  wait(1000);
  transfer.advance(MIB);
  expect(written[0]?.replace("\r\x1b[K", "").length).toBe(29);
});

test("elsewhere there is a line now and then, and one at the end", () => {
  const { progress, written, wait } = shown(false);
  const transfer = progress.start("x.onnx", 10 * MIB, 4 * MIB);
  wait(6000);
  transfer.advance(MIB);
  transfer.advance(MIB);
  transfer.end();
  expect(written).toEqual([
    "x.onnx: 5.0 MiB of 10.0 MiB (50 %)\n",
    "x.onnx: 6.0 MiB of 10.0 MiB (60 %)\n",
  ]);
});

test("what is small and quick is not shown", () => {
  const { progress, written } = shown(false);
  const transfer = progress.start("LICENSE", 1000);
  transfer.advance(1000);
  transfer.end();
  expect(written).toEqual([]);
});
