/** Routes of batch capabilities that are sold as single-shot runners: each call is a session (`RUNNER_BATCH`, live-runner.md 8). */
import { Elysia } from "elysia";
import { findCapability } from "../../../capabilities/registry.ts";
import type { LiveRunner } from "../../protocols/live-runner/live-runner.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { HttpError } from "../http-error.ts";
import { type Call, type JobOptions, runJob } from "../jobs/batch-job.ts";
import { noRunnerRoute, runnerFailures } from "../runner-error.ts";
import { contents, operation } from "../schemas/openapi.ts";
import { jobAnswer, jobBody } from "./capability-routes.ts";

interface BatchCall extends Omit<Call, "livepeer"> {
  readonly params: { readonly key: string; readonly capability: string };
}

export const runnerBatchRoutes = (
  access: AccessPolicy,
  { runners }: LiveRunner,
  jobs: JobOptions,
) => {
  const find = (params: BatchCall["params"], request: Request) =>
    runners.batchByKey(params.key, params.capability, request.headers.get("livepeer-runner-route"));
  const guard = access.keyed(
    (params: BatchCall["params"], request) => find(params, request) !== null,
  );
  const run = async ({ request, params, set, server }: BatchCall): Promise<unknown> => {
    const registration = find(params, request);
    if (registration === null) throw noRunnerRoute();
    using counted = new DisposableStack();
    counted.use(registration.sessions.begin());
    const capability = findCapability(params.capability);
    const call = { request, livepeer: null, set, server };
    const answer = await runJob(capability, call, "network", jobs);
    if (!(answer instanceof Response) || answer.body === null) return answer;
    return heldWhileRead(answer, answer.body, counted.move());
  };
  const app = new Elysia({ name: "runner-batch-routes", prefix: "/runner/:key/c/:capability" });
  // Callers add any path: orchestrators redirect the bare one.
  for (const path of ["/", "/*"]) {
    const options = { ...guard, parse: "none" as const };
    app.post(path, ({ request, params, set, server }) => run({ request, params, set, server }), {
      ...options,
      detail: {
        ...operation("runner", "Run a batch job that is sold as a runner of its own"),
        security: [],
        hide: path !== "/",
        requestBody: jobBody,
        responses: { 200: jobAnswer, ...contents(runnerFailures) },
      },
    });
    app.all(
      path,
      ({ request }) => {
        const message = `${request.method} is not allowed here; allowed: POST`;
        throw new HttpError(405, "method_not_allowed", message, { allow: "POST" });
      },
      { ...options, detail: { hide: true } },
    );
  }
  return app;
};

/** The response, which holds on to `held` until its body has been read, or nobody reads it any more. */
function heldWhileRead(
  answer: Response,
  body: ReadableStream<Uint8Array>,
  held: Disposable,
): Response {
  const release = () => held[Symbol.dispose]();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  body.pipeTo(writable).then(release, release);
  return new Response(readable, answer);
}
