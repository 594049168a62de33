/** Tests what a tab remembers of its streams across a reload. */
import { beforeEach, expect, test } from "bun:test";
import {
  isControlled,
  lastOnScreen,
  rememberControlled,
  rememberOnScreen,
  usedCamera,
} from "../../../src/playground/tab-streams.ts";

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  Object.defineProperty(globalThis, "sessionStorage", {
    configurable: true,
    value: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
  });
});

test("a new tab has no stream on screen, and controls none", () => {
  expect(lastOnScreen()).toBeNull();
  expect(isControlled("a")).toBe(false);
});

test("a stream on screen is controlled only if the page started it or took it over", () => {
  rememberOnScreen("a");
  expect(lastOnScreen()).toBe("a");
  expect(isControlled("a")).toBe(false);
  rememberControlled({ id: "a", camera: false });
  expect(isControlled("a")).toBe(true);
  expect(lastOnScreen()).toBe("a");
  rememberOnScreen(null);
  expect(lastOnScreen()).toBeNull();
  expect(isControlled("a")).toBe(true);
});

test("a stream with the camera is known as one", () => {
  rememberControlled({ id: "a", camera: true });
  rememberControlled({ id: "b", camera: false });
  expect([usedCamera("a"), usedCamera("b"), usedCamera("c")]).toEqual([true, false, false]);
});

test("the oldest of many streams is forgotten", () => {
  for (let n = 0; n <= 50; n++) rememberControlled({ id: `stream-${n}`, camera: false });
  expect([isControlled("stream-0"), isControlled("stream-1"), isControlled("stream-50")]).toEqual([
    false,
    true,
    true,
  ]);
});
