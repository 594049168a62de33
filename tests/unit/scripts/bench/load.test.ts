import { expect, test } from "bun:test";
import { coreTimes, sharesBetween } from "../../../../scripts/bench/load.ts";
import { waitFor } from "../../../support/wait-for.ts";

test("idle time and waits for disks are not busy, time of the host is neither, and guests count once", () => {
  const from = coreTimes("cpu  100 0 0 1000 0 0 0 0 0 0\ncpu0 7 7 7 7 7 7 7 7 7 7\n");
  const to = coreTimes("cpu  120 10 5 1040 10 2 3 10 50 50\n");
  expect(from).toEqual({ busy: 100, stolen: 0, all: 1100 });
  expect(sharesBetween(from, to)).toEqual({ busy: 0.4, stolen: 0.1 });
});

test("this machine's times grow", async () => {
  const from = coreTimes();
  await waitFor("a tick of the kernel", () => coreTimes().all > from.all);
  const { busy, stolen } = sharesBetween(from, coreTimes());
  expect(busy + stolen).toBeWithin(0, 1.0001);
});
