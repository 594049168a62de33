/** Routes of batch jobs: the seed's, and an orchestrator's in all the forms of protocol.md 1.2. */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { JobContext } from "../../../capabilities/capability.ts";
import { CAPABILITIES, findCapability, isCapability } from "../../../capabilities/registry.ts";
import { WorkerError } from "../../../errors.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { type Call, type JobOptions, runJob } from "../jobs/batch-job.ts";
import { livepeerHeader, missingLivepeerHeader } from "../jobs/livepeer-header.ts";
import { failureContents } from "../schemas/failures.ts";
import { jsonContent, operation } from "../schemas/openapi.ts";

export interface CapabilityRoutesOptions extends JobOptions {
  readonly access: AccessPolicy;
  /** The names that are registered. */
  readonly capabilityNames: readonly string[];
}

/** An answer to a body with `stream: true`. */
const EVENTS_EXAMPLE = `data: {"type":"progress","step":"inference","elapsed_ms":41}

data: {"type":"metadata","metadata":{"model":"dreamscape","seed":7}}

data: {"type":"result","part":0,"parts":2,"json":"{\\"success\\":true,\\"images\\":[{\\"data\\":\\"data:ima"}

data: {"type":"result","part":1,"parts":2,"json":"ge/png;base64,AQID\\"}]}"}

data: [DONE]

`;

/** For OpenAPI alone: jobs and answers are checked against the capability's own schema. */
export const jobBody = {
  required: true,
  content: jsonContent(Type.Union(CAPABILITIES.map(({ input }) => input))),
};
export const jobAnswer = {
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
};
const described = (summary: string) => ({
  ...operation("jobs", summary),
  requestBody: jobBody,
  responses: { 200: jobAnswer, ...failureContents(400, 404, 413, 503, 504) },
});

// Elysia prepares what a handler's parameter names, and nothing else: `...rest` would cost cookies, headers and query.
export const capabilityRoutes = (options: CapabilityRoutesOptions) => {
  const run = (name: string, call: Call, route: JobContext["route"]) =>
    runJob(findCapability(name), call, route, options);
  const { access } = options;
  // Bodies are read by the jobs themselves, once they have a place.
  const unnamed = { ...access.orchestrator, parse: "none" } as const;
  const route = { ...unnamed, params: Type.Object({ capability: Type.String() }) } as const;
  return new Elysia({ name: "capability-routes" })
    .use(livepeerHeader)
    .post(
      "/process/request/:capability",
      ({ params, request, livepeer, set, server }) => {
        if (livepeer === null && !access.bearsToken(request)) throw missingLivepeerHeader();
        return run(params.capability, { request, livepeer, set, server }, "direct");
      },
      { ...route, detail: described("Run a batch job (the seed's route)") },
    )
    .post(
      "/c/:capability",
      ({ params, request, livepeer, set, server }) =>
        run(params.capability, { request, livepeer, set, server }, "network"),
      { ...route, detail: described("Run a batch job for an orchestrator") },
    )
    .post(
      "/c/:capability/*",
      ({ params: { capability, "*": rest }, request, livepeer, set, server }) => {
        const name = [capability, rest].find(isCapability) ?? capability;
        return run(name, { request, livepeer, set, server }, "network");
      },
      { ...unnamed, detail: { hide: true } },
    )
    .post(
      "/:capability",
      ({ params, request, livepeer, set, server }) =>
        run(params.capability, { request, livepeer, set, server }, "network"),
      {
        ...route,
        detail: described("Run a batch job for an orchestrator that has the bare URL"),
      },
    )
    .post(
      "/",
      ({ request, livepeer, set, server }) => {
        const name = onlyCapability(options.capabilityNames);
        return run(name, { request, livepeer, set, server }, "network");
      },
      { ...unnamed, detail: { hide: true } },
    );
};

/** The capability of a job that is sent to the bare URL. Throws `invalid_request` unless a single name is registered. */
function onlyCapability(names: readonly string[]): string {
  const [name, ...more] = names;
  if (name !== undefined && more.length === 0 && isCapability(name)) return name;
  const known = CAPABILITIES.map((one) => one.name).join(", ");
  throw new WorkerError("invalid_request", `name the capability in the path: ${known}`);
}
