import { expect, test } from "bun:test";
import { WorkerError } from "../../../../../src/errors.ts";
import { seedProtocol } from "../../../../../src/server/protocols/seed/seed-protocol.ts";

const BODY = {
  prompts: "a cat",
  stream_url: "http://127.0.0.1/x",
  input_url: "http://127.0.0.1/y",
};
const rules = { mode: "seed" };

const fieldsOf = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof WorkerError) return error.details.map(({ field }) => field);
    throw error;
  }
  throw new Error("it was not refused");
};

test("a start has its parameters at top level, channels of its own and a new id", () => {
  const [one, other] = [BODY, BODY].map((body) => seedProtocol.readStart(body, "ignored"));
  expect(one).toMatchObject({
    input: { field: "input_url", url: BODY.input_url, rules },
    output: { field: "stream_url", url: BODY.stream_url, rules },
    sideChannels: {},
    fields: { prompts: "a cat" },
  });
  expect(one?.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(other?.id).not.toBe(one?.id as string);
});

test("a start without prompts or output channel is refused, naming both", () => {
  expect(fieldsOf(() => seedProtocol.readStart({}, null))).toEqual(["prompts", "stream_url"]);
  expect(fieldsOf(() => seedProtocol.readStart({ ...BODY, prompts: null }, null))).toEqual([
    "prompts",
  ]);
  expect(fieldsOf(() => seedProtocol.readStart({ ...BODY, fps: 0 }, null))).toEqual(["fps"]);
});

test("a start that names its model may have no prompts: whether the model takes any is known later", () => {
  const body = { stream_url: BODY.stream_url, model: "painter" };
  expect(seedProtocol.readStart(body, null)).toMatchObject({ fields: { model: "painter" } });
  expect(fieldsOf(() => seedProtocol.readStart({ ...body, model: null }, null))).toEqual([
    "prompts",
  ]);
});

test("the output is 512 pixels square, with and without input; a clock drives the model without one", () => {
  expect(seedProtocol.defaults("input")).toMatchObject({
    params: { model: "restyle", size: { width: 512, height: 512 } },
    container: "fmp4",
  });
  expect(seedProtocol.defaults("input").params.fps).toBeUndefined();
  expect(seedProtocol.defaults("clock").params).toMatchObject({
    model: "dreamscape",
    fps: 24,
    size: { width: 512, height: 512 },
  });
});

test("the channels are shown as the rules wrote them, and an update is read as it is", () => {
  const start = seedProtocol.readStart({ ...BODY, stream_url: "http://127.0.0.1/x/" }, null);
  expect(seedProtocol.shownChannels(start)).toEqual({
    stream_url: "http://127.0.0.1/x/",
    input_url: BODY.input_url,
  });
  const update = { max_framerate: "24" };
  expect(seedProtocol.readUpdate(update)).toBe(update);
});
