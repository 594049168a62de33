import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageJob, ImageResult } from "../../src/engine/protocol/work.ts";
import type { EngineScheduler } from "../../src/server/engines/scheduler.ts";
import { CLOCK_DEFAULTS } from "../../src/server/streams/params.ts";
import { fakeScheduler, testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const folder = mkdtempSync(join(tmpdir(), "image-jobs-"));
const open: { close(): unknown }[] = [{ close: () => rmSync(folder, { recursive: true }) }];
afterEach(async () => {
  for (const one of open.splice(1)) await one.close();
});

async function pool(engines = 1): Promise<EngineScheduler> {
  const opened = fakeScheduler({ engines });
  open.push({ close: () => opened.close(AbortSignal.timeout(2000)) });
  await waitFor("all engines", () => opened.engines.every(({ state }) => state === "ready"));
  return opened;
}

const forever = new AbortController().signal;
const job = (command: string): ImageJob => {
  return { params: { ...CLOCK_DEFAULTS, prompts: [{ prompt: command }] } };
};
const order = (image: ImageJob, signal: AbortSignal) => ({ image, signal, onStep: () => {} });
/** What the fake engine writes where a PNG would be. */
const said = ({ pictures: [picture] }: ImageResult) =>
  JSON.parse(Buffer.from(picture?.png ?? []).toString()) as {
    pid: number;
    nth: number;
    alone: boolean;
  };

test("an engine makes one picture at a time, first come first served", async () => {
  const engines = await pool();
  const all = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((n) => engines.makeImage(order(job(`picture ${n}`), forever))),
  );
  expect(all.map(said)).toMatchObject([1, 2, 3, 4, 5, 6].map((nth) => ({ nth, alone: true })));
});

test("several engines share what waits", async () => {
  const engines = await pool(2);
  const all = await Promise.all(
    Array.from({ length: 8 }, () => engines.makeImage(order(job("a picture"), forever))),
  );
  expect(new Set(all.map((one) => said(one).pid)).size).toBe(2);
  expect(all.every((one) => said(one).alone)).toBe(true);
});

test("a picture whose engine dies is made by the next, before those that wait", async () => {
  const engines = await pool();
  const file = join(folder, "died");
  const first = engines.makeImage(order(job(`exit unless ${file}`), forever));
  const second = engines.makeImage(order(job("a picture"), forever));
  const [one, two] = [said(await first), said(await second)];
  expect(one.pid).not.toBe(Number(readFileSync(file, "utf8")));
  expect([one.nth, two.nth]).toEqual([1, 2]);
  expect(engines.engines[0]?.restarts).toBe(1);
});

test("a picture that engines die of, the last two for it alone, fails, and the next one is made", async () => {
  const engines = await pool();
  const deadly = engines.makeImage(order(job("exit"), forever));
  const next = engines.makeImage(order(job("a picture"), forever));
  expect(await failure(deadly)).toMatchObject({ kind: "model_failed" });
  expect(said(await next).nth).toBe(1);
  expect(engines.engines[0]?.restarts).toBe(3);
});

test("one that is given up while it waits leaves the line, one under way frees its engine", async () => {
  const engines = await pool();
  const [making, waiting] = [new AbortController(), new AbortController()];
  const held = engines.makeImage(order(job("hold"), making.signal));
  const left = engines.makeImage(order(job("never begun"), waiting.signal));
  const last = engines.makeImage(order(job("a picture"), forever));
  waiting.abort(new Error("no longer wanted"));
  expect((await failure(left)).message).toBe("no longer wanted");
  making.abort(new Error("too slow"));
  expect((await failure(held)).message).toBe("too slow");
  expect(said(await last).nth).toBe(2);
});

test("a closed scheduler leaves nobody waiting for an engine's answer", async () => {
  const engines = await pool();
  const held = engines.makeImage(order(job("hold"), AbortSignal.timeout(5000)));
  await engines.close(AbortSignal.timeout(1000));
  expect(await failure(held)).toBeInstanceOf(Error);
});

test("beyond the batch deadline the answer is a 504 and the engine is free again", async () => {
  const server = testServer({ batchTimeoutMs: 300 });
  open.push(server);
  await server.scheduler.ready(5000);
  const late = await server.ask("POST", "/c/comfystream-image", { prompt: "hold" });
  expect(late).toMatchObject({ status: 504, body: { success: false, code: "timeout" } });
  const next = await server.ask("POST", "/c/comfystream-image", { prompt: "a picture" });
  expect(next.status).toBe(200);
});

test("a caller that hangs up frees the engine for the next", async () => {
  const server = testServer();
  open.push(server);
  await server.scheduler.ready(5000);
  const caller = new AbortController();
  const init = { method: "POST", body: '{"prompt": "hold"}', signal: caller.signal };
  const answer = server.app.handle(new Request("http://localhost/c/comfystream-image", init));
  const next = server.ask("POST", "/c/comfystream-image", { prompt: "a picture" });
  caller.abort();
  expect((await next).status).toBe(200);
  expect((await answer).status).toBe(504);
});

test("a picture that engines die of is a 500 that says so, and the server goes on", async () => {
  const server = testServer();
  open.push(server);
  await server.scheduler.ready(5000);
  const died = await server.ask("POST", "/c/comfystream-image", { prompt: "exit" });
  expect(died).toMatchObject({ status: 500, body: { code: "model_failed" } });
  expect((await server.ask("GET", "/health")).body.healthy).toBe(true);
  expect((await server.ask("POST", "/comfystream-image", { prompt: "x" })).status).toBe(200);
});

async function failure(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("it did not fail");
}
