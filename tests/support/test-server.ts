/** Runs the whole server side in this process, with a fake or the real engine. */

import { readConfig } from "../../src/config.ts";
import { Admission } from "../../src/server/admission.ts";
import { servedCapacity } from "../../src/server/capacity.ts";
import { type EngineObserver, EngineScheduler } from "../../src/server/engines/scheduler.ts";
import { HostPolicy } from "../../src/server/hosts/host-policy.ts";
import { AccessPolicy, type AccessTokens } from "../../src/server/http/access/access-policy.ts";
import { BrowserRules } from "../../src/server/http/access/browser-rules.ts";
import { createApp } from "../../src/server/http/app.ts";
import { RunningJobs } from "../../src/server/http/jobs/running-jobs.ts";
import type { TrickleHandler } from "../../src/server/http/routes/trickle-routes.ts";
import { ServerMetrics } from "../../src/server/metrics/server-metrics.ts";
import { byocProtocol } from "../../src/server/protocols/byoc/byoc-protocol.ts";
import {
  type LiveRunnerParts,
  liveRunner,
} from "../../src/server/protocols/live-runner/live-runner.ts";
import { seedProtocol } from "../../src/server/protocols/seed/seed-protocol.ts";
import type { SideChannelTiming } from "../../src/server/protocols/side-channels/side-channels.ts";
import { Fallbacks } from "../../src/server/streams/fallbacks.ts";
import { StreamStarter } from "../../src/server/streams/start.ts";
import { StreamStore } from "../../src/server/streams/store.ts";
import { StreamUpdater } from "../../src/server/streams/update.ts";
import { FAKE_ENGINE } from "./server-process.ts";

export interface TestServerOptions {
  readonly maxStreams?: number;
  readonly batchTimeoutMs?: number;
  readonly capabilityNames?: readonly string[];
  readonly tokens?: AccessTokens;
  /** Default: `*`. Null: as a server without `--cors-origins`. */
  readonly corsOrigins?: readonly string[] | null;
  /** `--host` that the server believes to listen on; default 0.0.0.0. */
  readonly host?: string;
  /** Default: none. */
  readonly trickle?: TrickleHandler;
  /** Options for the channels of an orchestrator's streams. */
  readonly timing?: SideChannelTiming;
  /** The environment of a live runner; default: this server is none. Nothing is registered before `runners.start`. */
  readonly runner?: Readonly<Record<string, string>>;
  /** Of a live runner. */
  readonly runnerTiming?: LiveRunnerParts["timing"];
  /** How the fake engine boots. */
  readonly engine?: "dies" | "never-ready" | "loads for a minute";
}

/** Starts a scheduler with fake engines. The caller closes it. */
export function fakeScheduler(
  options: {
    engine?: string;
    engines?: number;
    devices?: string[];
    fallback?: "cpu";
    observer?: EngineObserver;
    /** Gets the environment of the next engines. */
    repair?: (env: Record<string, string>) => readonly string[];
  } = {},
): EngineScheduler {
  const env = { PATH: process.env["PATH"] ?? "", FAKE_ENGINE: options.engine ?? "" };
  const { repair } = options;
  const scheduler = new EngineScheduler({
    command: [process.execPath, FAKE_ENGINE],
    env,
    ...(repair && { repair: async () => repair(env) }),
    devices: options.devices ?? ["cpu"],
    engines: options.engines ?? 1,
    ...(options.observer && { observer: options.observer }),
    fallback: options.fallback ?? null,
    engine: {
      workspace: "/nonexistent",
      frame_queue: 1,
      max_frame_age_ms: 500,
      max_batch: 0,
      log_level: "error",
      log_format: "text",
    },
  });
  scheduler.boot();
  return scheduler;
}

/** An app that handles requests in this process; channels at 127.0.0.1 are allowed. */
export function testServer(options: TestServerOptions = {}) {
  const metrics = new ServerMetrics("0.0.0");
  const scheduler = fakeScheduler({
    observer: metrics.engineObserver,
    ...(options.engine === undefined ? {} : { engine: options.engine }),
  });
  const admission = new Admission(options.maxStreams ?? 4);
  const store = new StreamStore(scheduler, {
    admission,
    historyMs: 60_000,
    observer: metrics.storeObserver,
  });
  const gpus = async () => [];
  const capacity = servedCapacity({
    engines: scheduler,
    devices: ["cpu"],
    admission,
    full: admission.capacity,
  });
  const trickle = { channels: 0, bytes: 0, requests: 0 };
  metrics.watch({
    scheduler,
    store,
    capacity,
    trickle,
    gpus,
    registrations: () => [],
    runners: () => [],
  });
  const hosts = new HostPolicy({ allowHosts: ["127.0.0.1"], orchestrators: [] });
  const fallbacks = new Fallbacks({ workspace: "/nonexistent", scheduler });
  const updater = new StreamUpdater(scheduler, store, fallbacks);
  const corsOrigins = options.corsOrigins === undefined ? ["*"] : options.corsOrigins;
  const starter = new StreamStarter({ scheduler, store, hosts, updater, fallbacks });
  const usageRecords: object[] = [];
  const runner =
    options.runner === undefined
      ? null
      : liveRunner({
          config: readConfig([], options.runner),
          version: "0.0.0",
          devices: ["cpu"],
          gpus,
          starter,
          store,
          updater,
          scheduler,
          admission,
          hosts,
          places: capacity,
          fallbacks,
          usageLog: { append: (record) => usageRecords.push(record) },
          timing: { releaseRetryMs: [20, 40, 80], ...options.runnerTiming },
        });
  const app = createApp({
    metrics,
    gpus,
    scheduler,
    store,
    capacity,
    starter,
    updater,
    protocols: { seed: seedProtocol, byoc: byocProtocol(options.timing) },
    access: new AccessPolicy(options.tokens ?? {}),
    browsers: new BrowserRules({ corsOrigins, host: options.host ?? "0.0.0.0" }),
    admission,
    jobs: new RunningJobs(),
    registrations: () => [],
    batchTimeoutMs: options.batchTimeoutMs ?? 25_000,
    capabilityNames: options.capabilityNames ?? ["comfystream-video"],
    version: "0.0.0",
    trickle: options.trickle ?? null,
    runner,
  });
  const ask = async (method: string, path: string, body?: unknown, headers = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method, headers, ...(body === undefined ? {} : { body: text }) };
    const response = await app.handle(new Request(`http://localhost${path}`, init));
    return {
      status: response.status,
      headers: response.headers,
      // biome-ignore lint/suspicious/noExplicitAny: tests access any member
      body: (await json(response)) as any,
    };
  };
  const close = async () => {
    await store.close();
    await scheduler.close(AbortSignal.timeout(2000));
  };
  const runners = runner?.runners ?? null;
  return { app, scheduler, admission, store, hosts, runners, usageRecords, ask, close };
}

async function json(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text; // pages are not JSON
  }
}
