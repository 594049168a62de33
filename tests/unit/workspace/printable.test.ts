/** What of strangers' text reaches a terminal. */
import { expect, test } from "bun:test";
import { printable } from "../../../src/workspace/printable.ts";

test("control sequences cannot reach the terminal, text and line ends can", () => {
  expect(printable("a\u001b[2Jb\r\u0007\u009b\u202ec")).toBe(
    "a\uFFFD[2Jb\uFFFD\uFFFD\uFFFD\uFFFDc",
  );
  expect(printable("Modèle 模型 😀\n  second line")).toBe("Modèle 模型 😀\n  second line");
});
