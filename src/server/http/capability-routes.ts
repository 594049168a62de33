/** Hides how a batch job is called: the seed's route, an orchestrator's routes, and the deadline of both. */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ImageAccess, JobContext, StreamAccess } from "../../capabilities/capability.ts";
import { CAPABILITIES, findCapability } from "../../capabilities/registry.ts";
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { check, checked } from "../field-errors.ts";
import { jsonBody } from "./json-body.ts";
import { type LivepeerJob, livepeerHeader, missingLivepeerHeader } from "./livepeer-header.ts";
import { type FailureStatus, failures, jsonContent, operation } from "./schemas.ts";
import type { Tokens } from "./tokens.ts";

const log = getLogger("http");

export interface CapabilityRoutesOptions {
  readonly tokens: Tokens;
  readonly batchTimeoutMs: number;
  readonly streams: StreamAccess;
  readonly images: ImageAccess;
}

/** What a job needs of its HTTP request, and where its answer's headers go. */
interface Call {
  readonly request: Request;
  readonly set: { readonly headers: Record<string, string | number> };
}

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
      content: jsonContent(Type.Union(CAPABILITIES.map(({ output }) => output))),
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

export const capabilityRoutes = ({
  tokens,
  batchTimeoutMs,
  streams,
  images,
}: CapabilityRoutesOptions) => {
  const run = (
    name: string,
    body: unknown,
    { request, set }: Call,
    caller: JobContext["caller"],
    job: LivepeerJob | null,
  ): Promise<unknown> => {
    const capability = findCapability(name);
    const input = checked(capability.input, body);
    if (job?.capability !== undefined && job.capability !== name)
      log.warn("the Livepeer header names another capability", { name, header: job.capability });
    const asked = (job?.timeout_seconds ?? Number.POSITIVE_INFINITY) * 1000;
    return within(Math.min(batchTimeoutMs, asked), request.signal, async (signal) => {
      const describe: JobContext["describe"] = (metadata) => {
        set.headers["x-metadata"] = JSON.stringify(metadata);
      };
      const context = { signal, caller, streams, images, describe };
      const output = await capability.run(input, context);
      if (check(capability.output).Check(output)) return output;
      throw new WorkerError("internal", `${capability.name} answered what it may not`);
    });
  };
  return new Elysia({ name: "capability-routes" })
    .use(jsonBody)
    .use(livepeerHeader)
    .post(
      "/process/request/:capability",
      ({ params, body, request, set, livepeer }) => {
        if (livepeer === null && !tokens.holds(request)) throw missingLivepeerHeader();
        return run(params.capability, body, { request, set }, "direct", livepeer);
      },
      { ...route, detail: described("Run a batch job (the seed's route)") },
    )
    .post(
      "/c/:capability",
      ({ params, body, request, set, livepeer }) =>
        run(params.capability, body, { request, set }, "network", livepeer),
      { ...route, detail: described("Run a batch job for an orchestrator") },
    )
    .post(
      "/:capability",
      ({ params, body, request, set, livepeer }) =>
        run(params.capability, body, { request, set }, "network", livepeer),
      {
        ...route,
        detail: described("Run a batch job for an orchestrator that knows the bare URL"),
      },
    );
};

/** What `work` gives within `ms`; throws `timeout` after that, and when the caller is gone. `work` hears of both. */
async function within<T>(
  ms: number,
  gone: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const expired = Promise.withResolvers<never>();
  const end = (message: string) => {
    const error = new WorkerError("timeout", message);
    over.abort(error);
    expired.reject(error);
  };
  const leave = () => end("the caller is gone");
  const timer = setTimeout(() => end(`the job took longer than ${ms} ms`), ms);
  gone.addEventListener("abort", leave, { once: true });
  if (gone.aborted) leave();
  try {
    return await Promise.race([work(over.signal), expired.promise]);
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", leave);
  }
}
