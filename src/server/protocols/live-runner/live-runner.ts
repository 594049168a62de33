/** Makes this server a live runner: its registrations and their sessions, as the settings say (live-runner.md 8). */
import type { Config } from "../../../config.ts";
import { getLogger } from "../../../log.ts";
import type { Admission } from "../../admission.ts";
import type { Capacity } from "../../capacity.ts";
import type { EngineScheduler } from "../../engines/scheduler.ts";
import type { Gpu } from "../../gpus.ts";
import type { HostPolicy } from "../../hosts/host-policy.ts";
import type { JsonLinesFile } from "../../json-lines-file.ts";
import type { Fallbacks } from "../../streams/fallbacks.ts";
import type { StreamStarter } from "../../streams/start.ts";
import type { StreamStore } from "../../streams/store.ts";
import type { StreamUpdater } from "../../streams/update.ts";
import { orchestratorTls } from "../orchestrator-http.ts";
import { RunnerView } from "./app/runner-view.ts";
import { startupOf } from "./app/startup.ts";
import type { RunnerGpu } from "./registration/heartbeat.ts";
import { gpuOf, streamMetadata } from "./registration/offer.ts";
import { Runners } from "./registration/runners.ts";
import type { RunnerSession } from "./sessions/session.ts";
import type { SessionSettings } from "./sessions/session-services.ts";
import { SessionTable } from "./sessions/session-table.ts";

const log = getLogger("registration");

export interface LiveRunnerParts {
  readonly config: Config;
  readonly version: string;
  readonly starter: StreamStarter;
  readonly store: StreamStore;
  readonly updater: StreamUpdater;
  readonly scheduler: EngineScheduler;
  readonly admission: Admission;
  /** Of the devices that work, in places. */
  readonly places: Capacity;
  readonly hosts: HostPolicy;
  readonly devices: readonly string[];
  readonly gpus: () => Promise<readonly Gpu[]>;
  /** Intervals that a test may shorten. */
  readonly timing?: Pick<SessionSettings, "releaseRetryMs" | "sideChannels" | "uncalledMs">;
  readonly fallbacks: Fallbacks;
  /** Gets the usage record of each session that ends; null: none is kept. */
  readonly usageLog: Pick<JsonLinesFile, "append"> | null;
}

/** This server as a live runner. */
export interface LiveRunner {
  readonly runners: Runners<SessionTable>;
  readonly view: RunnerView;
}

/**
 * Registers nothing yet: see `Runners.start`. Null where the settings do not make this server a live runner, and where no
 * orchestrator could learn of it: then the log says what is missing. Throws ConfigError.
 */
export function liveRunner(parts: LiveRunnerParts): LiveRunner | null {
  const { config, version, scheduler, admission, places, hosts, devices, gpus } = parts;
  const { fallbacks, usageLog, timing } = parts;
  if (config.runnerApp === undefined || config.orchMode === "byoc") return null;
  if (!isReachedBySome(config)) return null;
  let gpu: RunnerGpu | null = null;
  void gpus().then((found) => {
    gpu = gpuOf(devices, found);
  });
  const view = new RunnerView({
    scheduler,
    fallbacks,
    app: config.runnerApp,
    gpu: () => gpu,
    price: { price: config.runnerPrice, unit: config.runnerPriceUnit },
  });
  const shared = {
    ...parts,
    engines: scheduler,
    tls: orchestratorTls(config),
    settings: { ...sessionSettings(config), ...timing },
    startupOf: (model: Parameters<typeof startupOf>[0]) => startupOf(model, scheduler),
    onEnd: (session: RunnerSession) => usageLog?.append(view.usage(session)),
    capacity: config.runnerCapacity ?? config.capabilityCapacity ?? admission.capacity,
  };
  const runners = new Runners({
    config,
    version,
    capacity: places,
    sessions: (owner) => new SessionTable({ ...shared, owner }),
    gpu: () => gpu,
    metadata: () => config.runnerMetadata ?? streamMetadata(scheduler.models.all),
    allows: (origin) => hosts.allows(origin),
  });
  return { runners, view };
}

/** Whether orchestrators can learn of a runner: by its heartbeats, or from their operators. */
function isReachedBySome({ orchUrl = [], orchSecret, runnerKey, allowHosts }: Config): boolean {
  const missing =
    orchUrl.length === 0 ? "ORCH_URL" : orchSecret === undefined ? "ORCH_SECRET" : null;
  if (missing !== null && runnerKey === undefined) {
    log.error(`no runner is registered: ${missing} is not set`, {
      why: "set it, or RUNNER_KEY for a runner that operators of orchestrators list themselves",
    });
    return false;
  }
  if (orchUrl.length === 0 && allowHosts.length === 0)
    log.warn("no session can start: neither ORCH_URL nor ALLOW_HOSTS names an orchestrator", {
      why: "a static runner calls back the orchestrators that are named there alone",
    });
  return true;
}

const sessionSettings = (config: Config): SessionSettings => ({
  unusedTimeoutMs: config.runnerUnusedTimeout,
  idleTimeoutMs: config.runnerIdleTimeout,
  endGraceMs: config.runnerEndGrace,
  maxSessionMs: config.runnerMaxSession,
  segmentSeconds: config.runnerSegmentSeconds,
});
