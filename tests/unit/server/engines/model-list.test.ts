/** For which engines a list of models waits. */
import { expect, test } from "bun:test";
import type { ModelInfo } from "../../../../src/engine/protocol/models.ts";
import { ModelList } from "../../../../src/server/engines/model-list.ts";
import type { Supervisor } from "../../../../src/server/engines/supervisor.ts";

/** An engine that answers at once, as of when its list is read. */
function engine(models: () => readonly string[]): Supervisor {
  const supervisor: Partial<Supervisor> = {
    get models() {
      return models().map((name) => ({ name, state: "cold" }) as ModelInfo);
    },
    refreshModels: async () => {},
  };
  return supervisor as Supervisor;
}

const names = async (list: Promise<readonly ModelInfo[]>) => (await list).map(({ name }) => name);

test("a list that is asked for while the first engine starts waits until one is ready", async () => {
  let known: readonly string[] = [];
  let changed = Promise.withResolvers<void>();
  const availability = {
    state: "loading" as "loading" | "ready",
    get changed() {
      return changed.promise;
    },
  };
  const change = () => {
    const before = changed;
    changed = Promise.withResolvers();
    before.resolve();
  };
  const list = new ModelList(new Set([engine(() => known)]), availability);
  const asked = names(list.fresh(20_000));
  change(); // such as a device that turns out unfit
  await Promise.resolve();
  known = ["edges"];
  availability.state = "ready";
  change();
  expect(await asked).toEqual(["edges"]);
});

test("a list waits for no engine that starts beside one that is ready", async () => {
  const ready = { state: "ready", changed: new Promise<void>(() => {}) } as const;
  const engines = new Set([engine(() => ["edges"]), engine(() => [])]);
  expect(await names(new ModelList(engines, ready).fresh(20_000))).toEqual(["edges"]);
});

test("a list of a server whose engine does not start comes at its time limit, empty", async () => {
  const loading = { state: "loading", changed: new Promise<void>(() => {}) } as const;
  expect(await names(new ModelList(new Set([engine(() => [])]), loading).fresh(1))).toEqual([]);
});
