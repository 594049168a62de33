/** Reads the present state of the server for `GET /metrics`; nothing here is counted between two readings. */
import { Gauge, type Registry } from "prom-client";
import { trickleAnswers } from "../../trickle/client/answer-counts.ts";
import type { TrickleServer } from "../../trickle/server/trickle-server.ts";
import type { Capacity } from "../capacity.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import type { Gpu } from "../gpus.ts";
import type { RegistrationState } from "../protocols/byoc/registration/registration.ts";
import type { RunnerState } from "../protocols/live-runner/registration/dynamic-registration.ts";
import { FAILURE_KINDS } from "../protocols/live-runner/registration/registration-record.ts";
import type { StreamStore } from "../streams/store.ts";
import type { EngineCounters } from "./engine-counters.ts";

export interface ServerState {
  readonly scheduler: EngineScheduler;
  readonly store: StreamStore;
  readonly capacity: Pick<Capacity, "total" | "used">;
  /** Null: no embedded trickle server. */
  readonly trickle: Pick<TrickleServer, "channels" | "bytes" | "requests"> | null;
  readonly gpus: () => Promise<readonly Gpu[]>;
  /** Empty where nothing is to be registered. */
  readonly registrations: () => readonly RegistrationState[];
  /** Empty where this server is no live runner. */
  readonly runners: () => readonly RunnerState[];
}

const STREAM_STATES = ["starting", "active", "stopping"] as const;
const ENGINE_STATES = ["booting", "ready", "waiting", "unfit"] as const;
const MODEL_STATES = ["cold", "warming", "ready", "failed"] as const;

type Reading = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Adds a gauge for each part of the state, read anew at every scrape. */
export function registerStateGauges(registry: Registry, state: ServerState): void {
  const { scheduler, store, capacity, trickle, gpus, registrations, runners } = state;
  const gauge = (name: string, help: string, read: () => readonly Reading[] | Promise<Reading[]>) =>
    new Gauge({
      name: `comfystream_${name}`,
      help,
      labelNames: ["state", "device", "gpu", "capability", "app", "orchestrator", "failure"],
      registers: [registry],
      async collect() {
        const readings = await read();
        this.reset(); // what is gone is not shown any more
        for (const [labels, value] of readings) this.set(labels, value);
      },
    });
  const single = (name: string, help: string, read: () => number) =>
    gauge(name, help, () => [[{}, read()]]);

  single("ready", "1 while an engine can take work, 0 otherwise; /health shows the same", () =>
    Number(scheduler.state === "ready" && store.isOpen),
  );
  gauge(
    "registered",
    "1 if the orchestrator accepted the capability at the last attempt, else 0",
    () =>
      registrations().map(({ capability, orchestrator, accepted }): Reading => {
        const { host } = new URL(orchestrator);
        return [{ capability, orchestrator: host }, Number(accepted)];
      }),
  );
  gauge(
    "runner_registered",
    "1 while the orchestrator has the registration of the live runner, else 0",
    () => runners().map((one): Reading => [runnerLabels(one), Number(one.registered)]),
  );
  gauge(
    "runner_registered_timestamp_seconds",
    "When the live runner was registered, in seconds since 1970; absent without a registration",
    () =>
      runners().flatMap((one): Reading[] =>
        one.since === null ? [] : [[runnerLabels(one), one.since.getTime() / 1000]],
      ),
  );
  gauge(
    "runner_registration_failure",
    "1 for the kind of the last failure since a heartbeat was accepted, else 0",
    () =>
      runners().flatMap((one) =>
        FAILURE_KINDS.map((failure): Reading => {
          const labels = { ...runnerLabels(one), failure };
          return [labels, Number(one.failure?.kind === failure)];
        }),
      ),
  );
  gauge("streams", "Live streams by state", () =>
    byState(STREAM_STATES, store.list("live"), ({ status }) => status),
  );
  single("streams_degraded", "Live streams in which something fails while they continue", () =>
    count(store.list("live"), ({ error }) => error !== null),
  );
  single(
    "capacity_places",
    "Places for streams and jobs on the devices that work; a large or fast stream takes several",
    () => capacity.total,
  );
  single("capacity_places_used", "Places that streams and jobs take", () => capacity.used);
  single("images_waiting", "Pictures that wait for an engine", () => scheduler.waitingImages);
  gauge("engines", "Engine processes by device and state", () =>
    devicesOf(scheduler).flatMap((device) => {
      const engines = scheduler.engines.filter((engine) => engine.device === device);
      const readings = byState(ENGINE_STATES, engines, (engine) => engine.state);
      return readings.map(([labels, value]): Reading => [{ ...labels, device }, value]);
    }),
  );
  single(
    "engines_isolated",
    "Engines that run one suspect alone, because an engine may have died of it",
    () => count(scheduler.engines, ({ isolated }) => isolated),
  );
  gauge("engine_resident_memory_bytes", "Resident memory of engine processes, by device", () =>
    sumByDevice(scheduler, ({ resident_bytes }) => resident_bytes),
  );
  gauge("model_memory_bytes", "What loaded models are estimated to take, by device", () =>
    sumByDevice(scheduler, ({ model_bytes }) => model_bytes),
  );
  gauge("models", "Models of the workspace by state", () =>
    byState(MODEL_STATES, scheduler.models.all, (model) => model.state),
  );
  const gpuGauge = (name: string, help: string, read: (gpu: Gpu) => number) =>
    gauge(name, help, async () =>
      (await gpus()).map((gpu, index): Reading => [{ gpu: `${index}` }, read(gpu)]),
    );
  gpuGauge("gpu_memory_bytes", "Memory of each GPU", (gpu) => gpu.memory_total);
  gpuGauge(
    "gpu_memory_used_bytes",
    "Memory in use on each GPU, also by other programs",
    (gpu) => gpu.memory_total - gpu.memory_free,
  );
  gpuGauge(
    "gpu_utilization_ratio",
    "Share of the time in which each GPU computed",
    (gpu) => gpu.utilization_compute / 100,
  );
  if (trickle === null) return;
  single("trickle_channels", "Channels of the embedded trickle server", () => trickle.channels);
  single(
    "trickle_memory_bytes",
    "Memory that the embedded trickle server holds segments in",
    () => trickle.bytes,
  );
  single(
    "trickle_requests",
    "Requests to the embedded trickle server that are not answered to their end",
    () => trickle.requests,
  );
}

/** Requests of the trickle clients in this process, which no engine reports. */
export const countOwnAnswers = (counters: EngineCounters): void =>
  counters.answered(trickleAnswers.take());

const runnerLabels = ({ app, orchestrator }: RunnerState) => ({
  app,
  orchestrator: new URL(orchestrator).host,
});

const count = <T>(all: readonly T[], holds: (one: T) => boolean): number =>
  all.filter(holds).length;

/** How many there are in each state, zero included. */
const byState = <T>(
  states: readonly string[],
  all: readonly T[],
  stateOf: (one: T) => string,
): Reading[] =>
  states.map((state): Reading => [{ state }, count(all, (one) => stateOf(one) === state)]);

const devicesOf = ({ engines }: EngineScheduler): string[] => [
  ...new Set(engines.map(({ device }) => device)),
];

const sumByDevice = (
  scheduler: EngineScheduler,
  bytesOf: (memory: EngineScheduler["engines"][number]["memory"]) => number,
): Reading[] =>
  devicesOf(scheduler).map((device): Reading => {
    const engines = scheduler.engines.filter((engine) => engine.device === device);
    return [{ device }, engines.reduce((sum, { memory }) => sum + bytesOf(memory), 0)];
  });
