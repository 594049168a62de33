import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineEnvironment } from "../../src/config.ts";
import type { EngineOptions } from "../../src/engine/protocol/messages.ts";
import { MAIN } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

// biome-ignore lint/suspicious/noExplicitAny: tests look into messages freely
type Message = any;

/** A real engine that has said hello, and everything that it has sent. */
async function startEngine() {
  const workspace = await mkdtemp(join(tmpdir(), "engine-orders-"));
  const received: Message[] = [];
  const engine = Bun.spawn([process.execPath, MAIN, "engine"], {
    env: engineEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
    serialization: "advanced",
    ipc: (message: Message) => {
      received.push(message);
    },
  });
  const first = async (isWanted: (message: Message) => boolean): Promise<Message> => {
    await waitFor("a message", () => received.some(isWanted));
    return received.find(isWanted);
  };
  await first(({ type }) => type === "hello");
  const options: EngineOptions = {
    device: "cpu",
    workspace,
    frame_queue: 1,
    max_frame_age_ms: 500,
    max_batch: 1,
    log_level: "error",
    log_format: "json",
  };
  return {
    engine,
    options,
    first,
    async [Symbol.asyncDispose]() {
      engine.kill("SIGKILL");
      await engine.exited;
      await rm(workspace, { recursive: true });
    },
  };
}

test("an order that the engine does not understand ends at once, and a question gets an answer", async () => {
  await using started = await startEngine();
  const { engine, options, first } = started;
  engine.send({ type: "init", options });
  await first(({ type }) => type === "ready");

  const params = { model: "dreamscape", fps: ["a"] };
  engine.send({ type: "start", id: "a", number: 1, order: { kind: "image", job: { params } } });
  engine.send({ type: "ask", number: 2, question: { kind: "weather" } });
  engine.send({ type: "update", number: 3, revision: 7, params });

  const { report } = await first(({ number }) => number === 1);
  const message = expect.stringContaining("does not understand");
  const error = { kind: "internal", message };
  expect(report).toEqual({ type: "ended", id: "a", error });
  const answer = await first(({ number }) => number === 2);
  expect(answer).toEqual({ type: "answer", number: 2, value: null, error });
  const refused = await first(({ number }) => number === 3);
  expect(refused.report).toMatchObject({ type: "refused", revision: 7 });
});

test("an engine that does not understand its options says why, and ends", async () => {
  await using started = await startEngine();
  const { engine, options } = started;
  engine.send({ type: "init", options: { ...options, model_memory: 0 } });
  expect(await engine.exited).toBe(1);
  expect(await engine.stderr.text()).toContain("/options/model_memory");
});
