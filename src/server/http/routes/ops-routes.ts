/** Answers what operators and container platforms ask: health, version, hardware and models. */

import { Elysia } from "elysia";
import { exactJson } from "../../../raw-json.ts";
import type { Capacity } from "../../capacity.ts";
import type { EngineScheduler } from "../../engines/scheduler.ts";
import type { Gpu } from "../../gpus.ts";
import { type HealthCheck, healthOf, passes } from "../../health.ts";
import type { ServerMetrics } from "../../metrics/server-metrics.ts";
import type { RegistrationView } from "../../registration-view.ts";
import type { StreamStore } from "../../streams/store.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { BadQuery, failureContents, failures } from "../schemas/failures.ts";
import { operation } from "../schemas/openapi.ts";
import {
  AppVersionAnswer,
  HardwareInfo,
  HardwareStats,
  HealthAnswer,
  HealthQuery,
  ModelsAnswer,
  NodesAnswer,
  RegistrationsAnswer,
  VersionAnswer,
} from "../schemas/server-answers.ts";

export interface OpsOptions {
  readonly access: AccessPolicy;
  readonly scheduler: EngineScheduler;
  readonly store: StreamStore;
  /** In places for streams and jobs. */
  readonly capacity: Pick<Capacity, "total" | "used">;
  readonly version: string;
  readonly metrics: ServerMetrics;
  readonly gpus: () => Promise<readonly Gpu[]>;
  readonly registrations: () => readonly RegistrationView[];
  /** The names to register; pytrickle's callers take the first for the model. */
  readonly capabilityNames: readonly string[];
}

/** What the health is judged by. */
export type HealthOptions = Pick<OpsOptions, "scheduler" | "store" | "capacity" | "version">;

export const opsRoutes = (options: OpsOptions) => {
  const { access, scheduler, version, capabilityNames, metrics, gpus } = options;
  const versions = {
    success: true as const,
    pipeline: "byoc",
    model_id: capabilityNames[0] ?? "",
    version,
  };
  return new Elysia({ name: "ops-routes" })
    .get("/health", ({ set, query }) => healthAnswer(options, query.check, set), {
      ...access.open,
      query: HealthQuery,
      response: { 200: HealthAnswer, 400: BadQuery, 503: HealthAnswer },
      detail: {
        ...operation("operations", "Whether the server is usable, ready, and has room"),
        security: [],
      },
    })
    .get("/version", () => versions, {
      ...access.open,
      response: { 200: VersionAnswer },
      detail: { ...operation("operations", "What runs here"), security: [] },
    })
    .get("/app-version", () => ({ success: true as const, version }), {
      ...access.operator,
      response: { 200: AppVersionAnswer, ...failures() },
      detail: operation("operations", "The program's version"),
    })
    .get("/hardware/info", async () => ({ ...versions, gpu_info: byIndex(await gpus(), INFO) }), {
      ...access.operator,
      response: { 200: HardwareInfo, ...failures() },
      detail: operation("operations", "The GPUs by their indices"),
    })
    .get(
      "/hardware/stats",
      async () => ({ ...versions, gpu_stats: byIndex(await gpus(), STATS) }),
      {
        ...access.operator,
        response: { 200: HardwareStats, ...failures() },
        detail: operation("operations", "How busy the GPUs are"),
      },
    )
    .get(
      "/models",
      async () => {
        const models = await scheduler.models.fresh();
        return { success: true as const, models, count: models.length };
      },
      {
        ...access.operator,
        response: { 200: ModelsAnswer, ...failures() },
        detail: operation("operations", "Models, where they run and the parameters they take"),
      },
    )
    .get(
      "/registrations",
      () => ({ success: true as const, registrations: [...options.registrations()] }),
      {
        ...access.operator,
        response: { 200: RegistrationsAnswer, ...failures() },
        detail: operation(
          "operations",
          "The server's registrations with orchestrators and their state",
        ),
      },
    )
    .get(
      "/metrics",
      async () =>
        new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } }),
      { ...access.operator, detail: METRICS_OPERATION },
    )
    .get("/nodes", async () => new Response(exactJson(await nodesOf(scheduler)), JSON_TYPE), {
      ...access.operator,
      response: { 200: NodesAnswer, ...failures() },
      detail: operation("operations", "The ComfyUI node classes that run here, as its object_info"),
    });
};

/** The answer to `GET /health`; sets its status. */
export function healthAnswer(
  options: HealthOptions,
  check: HealthCheck | undefined,
  set: { status?: number | string },
) {
  const health = healthOf(options);
  set.status = passes(health, check) ? 200 : 503;
  return { ...health, version: options.version, engines: [...options.scheduler.engines] };
}

/** For OpenAPI alone. */
const METRICS_OPERATION = {
  ...operation("operations", "Metrics in Prometheus' text format"),
  responses: {
    200: {
      description: "the metrics; docs/observability.md lists them",
      content: { "text/plain": { schema: { type: "string" as const } } },
    },
    ...failureContents(),
  },
};

const INFO = ["id", "name", "memory_total", "memory_free", "major", "minor"] as const;
const STATS = [
  "id",
  "name",
  "memory_total",
  "memory_free",
  "utilization_compute",
  "utilization_memory",
] as const;

/** Some figures of each GPU; the keys are the indices as text. */
const byIndex = <K extends keyof Gpu>(gpus: readonly Gpu[], figures: readonly K[]) =>
  Object.fromEntries(
    gpus.map((gpu, index) => [
      `${index}`,
      Object.fromEntries(figures.map((figure) => [figure, gpu[figure]])),
    ]),
  );

const JSON_TYPE = { headers: { "content-type": "application/json" } };

/** The first engine of a server may still boot. */
async function nodesOf(scheduler: Pick<EngineScheduler, "ready" | "ask">): Promise<NodesAnswer> {
  await scheduler.ready(ENGINE_BOOT_MS);
  return (await scheduler.ask({ kind: "nodes" })) as NodesAnswer;
}

const ENGINE_BOOT_MS = 10_000;
