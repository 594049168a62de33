/** Runs the server process: composes it, listens, and ends everything in order within the grace. */
import { randomBytes } from "node:crypto";
import type { Config } from "../config.ts";
import { WorkerError } from "../errors.ts";
import { getLogger } from "../log.ts";
import { untilAborted } from "../streams/until-aborted.ts";
import { TrickleServer } from "../trickle/server/trickle-server.ts";
import { Admission } from "./admission.ts";
import { servedCapacity } from "./capacity.ts";
import { chooseDevices, defaultMaxStreams } from "./engines/devices.ts";
import { engineOptions } from "./engines/engine-options.ts";
import type { EngineCommand } from "./engines/engine-process.ts";
import { EngineScheduler } from "./engines/scheduler.ts";
import { readGpus } from "./gpus.ts";
import { HostPolicy } from "./hosts/host-policy.ts";
import { isLoopback } from "./hosts/own-address.ts";
import { AccessPolicy, type AccessTokens } from "./http/access/access-policy.ts";
import { BrowserRules } from "./http/access/browser-rules.ts";
import { createApp } from "./http/app.ts";
import { RunningJobs } from "./http/jobs/running-jobs.ts";
import { listen, localUrl } from "./http/listen.ts";
import { JsonLinesFile } from "./json-lines-file.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { byocProtocol } from "./protocols/byoc/byoc-protocol.ts";
import { assertNamesServed } from "./protocols/byoc/registration/offer.ts";
import { register } from "./protocols/byoc/registration/register.ts";
import type { Registration } from "./protocols/byoc/registration/registration.ts";
import { liveRunner } from "./protocols/live-runner/live-runner.ts";
import { seedProtocol } from "./protocols/seed/seed-protocol.ts";
import { recent } from "./recent.ts";
import { registrationViews } from "./registrations.ts";
import { Fallbacks } from "./streams/fallbacks.ts";
import { IdleStreams } from "./streams/idle-streams.ts";
import { StreamStarter } from "./streams/start.ts";
import { StreamStore } from "./streams/store.ts";
import { StreamUpdater } from "./streams/update.ts";

const log = getLogger("server");

/** Reading them starts a program that takes up to seconds. */
const GPUS_MAX_AGE_MS = 1000;

export interface ServeOptions {
  readonly config: Config;
  readonly version: string;
  readonly engineCommand: EngineCommand;
  /** Aborted to end the server. */
  readonly stop: AbortSignal;
}

/**
 * Serves until `stop` aborts, then refuses new streams and jobs, ends those that live, the engines, and the listener.
 * Returns the exit code. Throws ConfigError for names that are not served and files that cannot be written; CannotListen; `device_unavailable` when an asked-for device is missing.
 */
export async function serve({
  config,
  version,
  engineCommand,
  stop,
}: ServeOptions): Promise<number> {
  assertNamesServed(config);
  await using usageLog = await openLog(config.usageLog, "USAGE_LOG");
  await using sessionLog = await openLog(config.runnerUsageLog, "RUNNER_USAGE_LOG");
  const devices = chooseDevices(config.device);
  const hosts = new HostPolicy({
    allowHosts: config.allowHosts,
    orchestrators: (config.orchUrl ?? []).map((url) => new URL(url).origin),
    verifyOrchestrators: config.orchTlsVerify,
    ...(config.orchCa === undefined ? {} : { orchestratorCa: config.orchCa }),
  });
  const metrics = new ServerMetrics(version);
  const scheduler = new EngineScheduler({
    ...engineCommand,
    observer: metrics.engineObserver,
    devices: devices.names,
    engines: config.engines,
    fallback: devices.asked ? null : "cpu",
    engine: {
      ...engineOptions(config),
      ...(config.modelMemory === undefined ? {} : { model_memory: config.modelMemory }),
      ...(config.comfyuiUrl === undefined ? {} : { comfyui_url: config.comfyuiUrl }),
      log_level: config.logLevel,
    },
  });
  const admission = new Admission(config.maxStreams ?? defaultMaxStreams(devices.names));
  const store = new StreamStore(scheduler, {
    admission,
    historyMs: config.streamHistory,
    observer: metrics.storeObserver,
    usageLog,
  });
  using trickle =
    config.trickleServer === "off"
      ? null
      : new TrickleServer({ autoCreate: config.trickleServer === "on" });
  using _idle =
    config.idleTimeout === 0
      ? null
      : new IdleStreams({ streams: store, timeoutMs: config.idleTimeout, channels: trickle });
  const tokens = accessTokens(config);
  const jobs = new RunningJobs();
  const fallbacks = new Fallbacks({ workspace: config.workspace, scheduler });
  const updater = new StreamUpdater(scheduler, store, fallbacks);
  const served = { engines: scheduler, devices: devices.names, admission };
  const capacity = servedCapacity({ ...served, full: admission.capacity });
  const gpus = recent(() => readGpus(), GPUS_MAX_AGE_MS);
  const starter = new StreamStarter({ scheduler, store, hosts, updater, fallbacks });
  const streams = { starter, store, updater, scheduler, admission, hosts };
  const places = { places: capacity, devices: devices.names, gpus };
  const logs = { usageLog: sessionLog };
  const runner = liveRunner({ config, version, ...streams, ...places, fallbacks, ...logs });
  let registration: Registration | null = null;
  const states = {
    registrations: () => registration?.states ?? [],
    runners: () => runner?.runners.states ?? [],
    listed: () => runner?.runners.listed ?? [],
  };
  metrics.watch({ scheduler, store, capacity, trickle, gpus, ...states });
  const app = createApp({
    metrics,
    gpus,
    scheduler,
    store,
    capacity,
    starter,
    updater,
    protocols: { seed: seedProtocol, byoc: byocProtocol() },
    access: new AccessPolicy(tokens),
    browsers: new BrowserRules({ corsOrigins: corsOrigins(config), host: config.host }),
    batchTimeoutMs: config.batchTimeout,
    admission,
    jobs,
    registrations: () => registrationViews(states),
    capabilityNames: config.capabilityName,
    version,
    trickle,
    runner,
  });
  try {
    const server = listen(app, config);
    const port = server.port ?? config.port;
    hosts.listensOn({ host: config.host, port, authorization: `Bearer ${tokens.engine}` });
    const ownUrl = localUrl(config.host, port);
    log.info("listening", { url: ownUrl, version, devices: devices.names });
    warnIfOpen(config, tokens);
    scheduler.boot();
    registration = register(config, { ownUrl, token: tokens.capability, ...served });
    runner?.runners.start(ownUrl);
    const unfit = await untilAborted(scheduler.unfit, stop);
    if (unfit !== null) log.error("cannot serve", { error: unfit.message });
    const { grace } = config;
    const deadline = AbortSignal.timeout(grace);
    const engineDeadline = AbortSignal.timeout(within(grace, ENGINES_SHARE));
    log.info("stopping", { streams: store.liveCount, grace_ms: grace });
    const { drained, left: runnersLeft } =
      runner?.runners.close(within(grace, SESSIONS_SHARE)) ?? {};
    const left = Promise.all([registration?.leave(), runnersLeft]);
    // The listener stays until the streams have gone: their channels may be our own.
    const all = Promise.all([store.close(drained), admission.close()]);
    await untilAborted(all, AbortSignal.timeout(within(grace, STREAMS_SHARE)));
    jobs.close(new WorkerError("at_capacity", "the server is shutting down"));
    await scheduler.close(engineDeadline);
    // The output of a stream whose engine was killed still has to be ended.
    await untilAborted(all, deadline);
    await untilAborted(left, deadline);
    await server.stop(true);
    log.info("stopped");
    return unfit === null ? 0 : 1;
  } finally {
    await scheduler.close(AbortSignal.abort());
  }
}

/** The part of the grace for which sessions run on. */
const SESSIONS_SHARE = 0.4;
/** The parts of the grace after which streams and jobs are waited for no longer, and after which engines are killed. */
const STREAMS_SHARE = 0.7;
const ENGINES_SHARE = 0.85;

/** Ending everything takes no longer than this: the rest of a longer grace is left to sessions. */
const ENDINGS_MS = 8000;

/** The end of a share of the grace, in milliseconds from the start of the grace. */
const within = (graceMs: number, share: number): number =>
  Math.max(0, graceMs - ENDINGS_MS) + Math.min(graceMs, ENDINGS_MS) * share;

/** Null where no file is to be written. */
const openLog = async (path: string | undefined, setting: string): Promise<JsonLinesFile | null> =>
  path === undefined ? null : await JsonLinesFile.open(path, setting);

/** The tokens of this boot: what is not set and is needed is made here. */
function accessTokens({ apiToken, capabilityToken, orchUrl = [] }: Config) {
  const random = () => randomBytes(24).toString("base64url");
  const capability = capabilityToken ?? (orchUrl.length > 0 ? random() : undefined);
  return {
    engine: random(),
    page: random(),
    ...(apiToken === undefined ? {} : { api: apiToken }),
    ...(capability === undefined ? {} : { capability }),
  };
}

/** With a token, pages of any origin may call: the token is what protects. Null: the default of `BrowserRules`. */
const corsOrigins = ({ corsOrigins: set, apiToken }: Config): readonly string[] | null =>
  set ?? (apiToken === undefined ? null : ["*"]);

function warnIfOpen({ host }: Config, { api, capability }: AccessTokens): void {
  if (api !== undefined || capability !== undefined || isLoopback(host)) return;
  log.warn(
    "every machine that reaches this server may use it: set --api-token, or listen on --host 127.0.0.1",
    { host },
  );
}
