/** Fuzzes the JSON routes with bodies made from the schemas of their description, with hostile parts. */
import fc from "fast-check";
import { exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { hostileValue, hostileVariant, matching } from "./json-values.ts";
import { type Operation, operationsOf } from "./operations.ts";
import { expectJsonAnswer, NO_ROOM } from "./promises.ts";
import { API_TOKEN, type FuzzedWorker } from "./worker.ts";

const CAPABILITIES = ["text-reversal", "comfystream-image", "comfystream-video", "nothing"];
const NOWHERE = "6f6f6f6f-0000-4000-8000-000000000000";

/** Bodies that a client would send; the rest is made from the schema. */
const usual = ({ url }: FuzzedWorker) => [
  {
    prompts: "a cat",
    stream_url: `${url}/trickle/fuzz-a`,
    width: 64,
    height: 64,
    model: "identity",
  },
  { prompts: [{ prompt: "a", weight: 1 }], stream_url: `${url}/trickle/fuzz-b`, fps: 5 },
  {
    gateway_request_id: "fuzz-c",
    publish_url: `${url}/trickle/fuzz-c-out`,
    params: { width: "64", height: "64", model: "identity", max_framerate: "5" },
  },
  { text: "ab" },
  { prompts: "a", width: 64, height: 64 },
  { params: { model: "identity", paused: true } },
];

export const jsonBodies = httpTarget({
  name: "json-bodies",
  inputs:
    "bodies of every JSON route, made from its schema, with wrong, missing, extreme and additional members",
  found: [
    {
      what: "a picture with a field of streams of the wrong type, as `fps: [5]`, was never made, and all after it waited for it",
      test: [
        "integration/image.test.ts",
        "%s, which only a stream has, is listed as ignored whatever it holds",
      ],
    },
    {
      what: "an order that an engine does not understand got no answer",
      test: [
        "integration/engine-orders.test.ts",
        "an order that the engine does not understand ends at once, and a question gets an answer",
      ],
    },
  ],
  // A picture may have to wait for its model to be loaded.
  limitMs: 30_000,
  open: async (worker) => {
    const operations = (await operationsOf(worker.url)).filter(
      ({ body, path }) => body !== null && !path.startsWith("/runner/"),
    );
    const values = ({ body }: Operation) =>
      hostileVariant(
        fc.oneof(matching(body ?? {}), fc.constantFrom(...usual(worker)), hostileValue),
      );
    const inputs = fc.constantFrom(...operations).chain((operation) =>
      fc.record({
        method: fc.constant(operation.method),
        path: fc
          .tuple(fc.constantFrom(...CAPABILITIES), fc.constantFrom(worker.victim, NOWHERE))
          .map(([capability, id]) =>
            operation.path.replace("{capability}", capability).replace("{id}", id),
          ),
        body: values(operation),
        streamId: fc.option(fc.constantFrom("fuzz-c", NOWHERE, ""), { freq: 3 }),
      }),
    );
    return tried(inputs, async ({ method, path, body, streamId }) => {
      const text = Buffer.from(JSON.stringify(body) ?? "");
      const head = headOf({
        method,
        target: path,
        headers: [
          ["Host", "127.0.0.1"],
          ["Authorization", `Bearer ${API_TOKEN}`],
          ["Content-Type", "application/json"],
          ["Content-Length", `${text.length}`],
          ...(streamId === null ? [] : ([["X-Stream-Id", streamId]] as const)),
        ],
      });
      const { answers } = await exchange({
        port: worker.port,
        pieces: [Buffer.concat([Buffer.from(head), text])],
        patienceMs: 30_000,
      });
      const [answer] = answers;
      if (answer === undefined) throw new Error("no answer");
      if (answer.headers.get("content-type")?.startsWith("text/event-stream")) return;
      expectJsonAnswer(answer, NO_ROOM);
      await worker.endStarted(answer);
    });
  },
});
