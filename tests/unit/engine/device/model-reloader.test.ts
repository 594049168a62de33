import { expect, test } from "bun:test";
import { ModelReloader } from "../../../../src/engine/device/model-reloader.ts";
import { ReadyModel } from "../../../../src/engine/device/ready-model.ts";
import type { CatalogueEntry, UsableModel } from "../../../../src/engine/models/catalogue-entry.ts";
import { waitFor } from "../../../support/wait-for.ts";

const files = (stamp: string): UsableModel => ({
  state: "usable",
  name: "m",
  source: "models/m",
  stamp,
  files: [],
  bytes: 0,
  definition: {} as UsableModel["definition"], // nothing is run here
  program: { path: "/nowhere" },
});

const ready = (stamp: string): ReadyModel =>
  new ReadyModel({
    model: files(stamp),
    thread: { isLost: false } as never,
    large: null,
    executionProvider: "",
  });

/** A reloader whose loads end when the test says so. */
function reloader(loadDeadlineMs: number) {
  const loads: ReturnType<typeof Promise.withResolvers<ReadyModel>>[] = [];
  const released: ReadyModel[] = [];
  const replaced: ReadyModel[] = [];
  let entry: CatalogueEntry = files("new");
  const instance = new ModelReloader({
    catalogue: { entry: async () => entry },
    current: () => [],
    load: () => {
      const load = Promise.withResolvers<ReadyModel>();
      loads.push(load);
      return load.promise;
    },
    loadDeadlineMs,
    release: (model) => released.push(model),
    replace: (_, next) => replaced.push(next),
    onRejected: () => {},
  });
  const change = (stamp: string) => {
    entry = files(stamp);
  };
  return { instance, loads, released, replaced, change };
}

test("a load that hangs is reported, and released should it end after all", async () => {
  const { instance, loads, released, replaced, change } = reloader(30);
  using _instance = instance;
  const model = ready("old");
  await instance.refresh(model);
  expect(model.reloadError()?.message).toBe(
    "model m changed on disk and cannot be loaded: it is not loaded after 0.03 s; the loaded version continues",
  );
  await instance.refresh(model);
  expect(loads.length).toBe(1);
  const late = ready("new");
  loads[0]?.resolve(late);
  await waitFor("the late version's release", () => released.includes(late));
  expect([replaced.length, model.isOutdated()]).toEqual([0, false]);

  change("newer");
  const refreshed = instance.refresh(model);
  await waitFor("the next load", () => loads.length === 2);
  loads[1]?.resolve(ready("newer"));
  await refreshed;
  expect([replaced.length, model.isOutdated()]).toEqual([1, true]);
});

test("callers share a load, and files that come back clear the report", async () => {
  const { instance, loads, change } = reloader(1000);
  using _instance = instance;
  const model = ready("old");
  const both = Promise.all([instance.refresh(model), instance.refresh(model)]);
  await waitFor("the load", () => loads.length > 0);
  loads[0]?.reject(new Error("no such operator"));
  await both;
  expect(loads.length).toBe(1);
  expect(model.reloadError()?.message).toContain("cannot be loaded: no such operator");
  change("old");
  await instance.refresh(model);
  expect(model.reloadError()).toBeNull();
});

test("a look at the files that fails is logged, and the next one takes place", async () => {
  let looks = 0;
  using _instance = new ModelReloader({
    catalogue: { entry: () => Promise.reject(new Error("unexpected")) },
    current: () => {
      looks++;
      return [ready("old")];
    },
    load: () => Promise.reject(new Error("nothing is loaded here")),
    loadDeadlineMs: 1000,
    release: () => {},
    replace: () => {},
    onRejected: () => {},
    times: { watchMs: 1, retireIdleMs: 1000 },
  });
  await waitFor("a look after one that failed", () => looks > 1);
});
