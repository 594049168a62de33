/** Which question's answer those get who ask an engine for its models while it is being asked. */
import { afterEach, expect, jest, test } from "bun:test";
import { EngineModels } from "../../../../src/server/engines/engine-models.ts";
import type { EngineProcess } from "../../../../src/server/engines/engine-process.ts";

afterEach(() => void jest.useRealTimers());

function engine() {
  const sent: unknown[] = [];
  const process = { send: (message: unknown) => sent.push(message) } as Partial<EngineProcess>;
  return { sent, process: process as EngineProcess };
}

test("whoever asks while a question is open gets the answer to the next one, and shares it", async () => {
  const models = new EngineModels();
  const { sent, process } = engine();
  let answered = 0;
  const ask = async (): Promise<void> => {
    await models.refresh(process);
    answered++;
  };
  const first = ask();
  const others = [ask(), ask()];
  expect(sent.length).toBe(1);
  models.answered(1, []);
  await first;
  expect([answered, sent.length]).toEqual([1, 2]);
  models.answered(2, []);
  await Promise.all(others);
  expect(sent.length).toBe(2);
});

test("when the engine is gone everybody who waits goes on, and nothing more is sent to it", async () => {
  const models = new EngineModels();
  const { sent, process } = engine();
  const all = [models.refresh(process), models.refresh(process)];
  models.settle();
  await Promise.all(all);
  expect(sent.length).toBe(1);
});

test("a question without an answer keeps nobody waiting, and does not hold up the next one", async () => {
  jest.useFakeTimers();
  const models = new EngineModels();
  const { sent, process } = engine();
  const lost = models.refresh(process);
  jest.advanceTimersByTime(5000);
  await lost;
  const next = models.refresh(process);
  expect(sent.length).toBe(2);
  let isAnswered = false;
  void next.then(() => {
    isAnswered = true;
  });
  models.answered(1, []); // from older folders
  await Promise.resolve();
  await Promise.resolve();
  expect(isAnswered).toBe(false);
  models.answered(2, []);
  await next;
});
