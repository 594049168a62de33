import { expect, test } from "bun:test";
import type { ModelThread } from "../../../../src/engine/device/model-thread.ts";
import { SizeThreads } from "../../../../src/engine/device/size-threads.ts";
import { waitFor } from "../../../support/wait-for.ts";

const square = (side: number) => ({ width: side, height: side });

/** Threads that are only names; the base is thread 0. */
function threads(idleMs = 60_000) {
  const made: { name: string; isLost: boolean }[] = [{ name: "base", isLost: false }];
  const as = (index: number): ModelThread => made[index] as unknown as ModelThread; // only `isLost` is read
  const closed: string[] = [];
  const sizes = new SizeThreads({
    base: as(0),
    open: async ({ width }) => as(made.push({ name: `for ${width}`, isLost: false }) - 1),
    close: async (thread) => void closed.push((thread as unknown as { name: string }).name),
    idleMs,
  });
  const nameFor = (side: number): Promise<string> =>
    sizes.use(square(side), async (thread) => (thread as unknown as { name: string }).name);
  return { sizes, made, closed, nameFor };
}

test("small pictures share the base, large ones have a thread for each class of sizes", async () => {
  const { nameFor, made } = threads();
  const names = await Promise.all([64, 512, 1024, 1025, 2048, 2049, 4096, 512].map(nameFor));
  expect(names).toEqual([
    ...["base", "base", "base"],
    ...["for 1025", "for 1025"],
    ...["for 2049", "for 2049"],
    "base",
  ]);
  expect(made.length).toBe(3);
});

test("a thread that was lost is replaced", async () => {
  const { nameFor, made } = threads();
  expect(await nameFor(4096)).toBe("for 4096");
  Object.assign(made[1] ?? {}, { isLost: true });
  expect(await Promise.all([nameFor(4000), nameFor(3000)])).toEqual(["for 4000", "for 4000"]);
});

test("nothing is opened for a model whose base is gone: it was unloaded, or is loaded anew", async () => {
  const { nameFor, made } = threads();
  Object.assign(made[0] ?? {}, { isLost: true });
  expect(await nameFor(4096)).toBe("base");
  expect(made.length).toBe(1);
});

test("a thread that could not be opened is tried again", async () => {
  let fails = true;
  const sizes = new SizeThreads({
    base: {} as ModelThread,
    open: async () => {
      if (fails) throw new Error("no memory");
      return {} as ModelThread;
    },
    close: async () => {},
  });
  const use = () => sizes.use(square(4096), async () => "ran").catch(({ message }) => message);
  expect(await use()).toBe("no memory");
  fails = false;
  expect(await use()).toBe("ran");
});

test("a thread that is idle is closed, and one that runs is not", async () => {
  const { sizes, nameFor, closed } = threads(20);
  const running = Promise.withResolvers<void>();
  const run = sizes.use(square(2048), () => running.promise);
  await nameFor(4096);
  await waitFor("the idle one", () => closed.length > 0);
  expect(closed).toEqual(["for 4096"]);
  running.resolve();
  await run;
  await waitFor("the other one", () => closed.length > 1);
  expect(closed).toEqual(["for 4096", "for 2048"]);
});

test("closing ends all of them but the base", async () => {
  const { sizes, nameFor, closed } = threads();
  await Promise.all([2048, 4096, 512].map(nameFor));
  await sizes[Symbol.asyncDispose]();
  expect(closed.toSorted()).toEqual(["for 2048", "for 4096"]);
});
