/** Hides which paths are batch jobs: the seed's route, and an orchestrator's in all the forms of protocol.md 1.2. */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { JobContext } from "../../capabilities/capability.ts";
import { CAPABILITIES, findCapability, isCapability } from "../../capabilities/registry.ts";
import { WorkerError } from "../../errors.ts";
import { type Call, type JobOptions, runJob } from "./batch-job.ts";
import { jsonBody } from "./json-body.ts";
import { livepeerHeader, missingLivepeerHeader } from "./livepeer-header.ts";
import { type FailureStatus, failures, jsonContent, operation } from "./schemas.ts";
import type { Tokens } from "./tokens.ts";

export interface CapabilityRoutesOptions extends JobOptions {
  readonly tokens: Tokens;
  /** As registered. */
  readonly capabilityNames: readonly string[];
}

/** What `stream: true` makes of an answer. */
const EVENTS_EXAMPLE = `data: {"type":"progress","step":"inference","elapsed_ms":41}

data: {"type":"metadata","metadata":{"model":"dreamscape","seed":7}}

data: {"type":"result","part":0,"parts":2,"json":"{\\"success\\":true,\\"images\\":[{\\"data\\":\\"data:ima"}

data: {"type":"result","part":1,"parts":2,"json":"ge/png;base64,AQID\\"}]}"}

data: [DONE]

`;

/** Jobs and answers are checked against the capability's own schema; this is for OpenAPI. */
const described = (summary: string) => ({
  ...operation("jobs", summary),
  requestBody: {
    required: true,
    content: jsonContent(Type.Union(CAPABILITIES.map(({ input }) => input))),
  },
  responses: {
    200: {
      description: "the job's result",
      headers: {
        "X-Metadata": {
          description: "comfystream-image: JSON of model, seed and timings",
          schema: { type: "string" as const },
        },
      },
      content: {
        ...jsonContent(Type.Union(CAPABILITIES.map(({ output }) => output))),
        "text/event-stream": {
          schema: { type: "string" as const },
          example: EVENTS_EXAMPLE,
        },
      },
    },
    ...failureContents(400, 404, 413, 503, 504),
  },
});

/** The same as `failures`, where there is no schema that Elysia checks. */
const failureContents = (...statuses: FailureStatus[]) =>
  Object.fromEntries(
    Object.entries(failures(...statuses)).map(([status, schema]) => [
      status,
      { description: schema.description ?? "", content: jsonContent(schema) },
    ]),
  );

const route = {
  parse: "batch",
  params: Type.Object({ capability: Type.String() }),
} as const;

// Elysia prepares for a handler only what its parameter names: `...rest` would cost cookies, headers and query, too.
export const capabilityRoutes = (options: CapabilityRoutesOptions) => {
  const run = (name: string, call: Call, caller: JobContext["caller"]) =>
    runJob(findCapability(name), call, caller, options);
  return new Elysia({ name: "capability-routes" })
    .use(jsonBody)
    .use(livepeerHeader)
    .post(
      "/process/request/:capability",
      ({ params, request, body, livepeer, set, server }) => {
        if (livepeer === null && !options.tokens.holds(request)) throw missingLivepeerHeader();
        return run(params.capability, { request, body, livepeer, set, server }, "direct");
      },
      { ...route, detail: described("Run a batch job (the seed's route)") },
    )
    .post(
      "/c/:capability",
      ({ params, request, body, livepeer, set, server }) =>
        run(params.capability, { request, body, livepeer, set, server }, "network"),
      { ...route, detail: described("Run a batch job for an orchestrator") },
    )
    .post(
      "/c/:capability/*",
      ({ params: { capability, "*": rest }, request, body, livepeer, set, server }) => {
        const name = [capability, rest].find(isCapability) ?? capability;
        return run(name, { request, body, livepeer, set, server }, "network");
      },
      { parse: "batch", detail: { hide: true } },
    )
    .post(
      "/:capability",
      ({ params, request, body, livepeer, set, server }) =>
        run(params.capability, { request, body, livepeer, set, server }, "network"),
      {
        ...route,
        detail: described("Run a batch job for an orchestrator that knows the bare URL"),
      },
    )
    .post(
      "/",
      ({ request, body, livepeer, set, server }) => {
        const name = onlyCapability(options.capabilityNames);
        return run(name, { request, body, livepeer, set, server }, "network");
      },
      { parse: "batch", detail: { hide: true } },
    );
};

/** What a job for the bare URL is for. Throws `invalid_request` unless a single name was registered. */
function onlyCapability(names: readonly string[]): string {
  const [name, ...more] = names;
  if (name !== undefined && more.length === 0 && isCapability(name)) return name;
  const known = CAPABILITIES.map((one) => one.name).join(", ");
  throw new WorkerError("invalid_request", `name the capability in the path: ${known}`);
}
