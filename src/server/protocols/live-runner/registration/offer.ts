/** Builds what a runner registers from the settings, and warns of settings that probably do not work (live-runner.md 2.1, 8). */
import { CAPABILITIES } from "../../../../capabilities/registry.ts";
import { type Config, ConfigError } from "../../../../config.ts";
import type { ModelInfo } from "../../../../engine/protocol/models.ts";
import type { Gpu } from "../../../gpus.ts";
import { INPUT_DEFAULTS } from "../../../streams/params.ts";
import { doubtAboutUrl, pathDoubt } from "../../url-doubt.ts";
import type { RunnerStatus } from "../runner-sessions.ts";
import type { HeartbeatBody, RunnerGpu } from "./heartbeat.ts";

/** What a runner registers that does not change from one heartbeat to the next. */
export interface RunnerFacts {
  readonly app: string;
  readonly mode: HeartbeatBody["mode"];
  readonly label: string | undefined;
  readonly version: string;
  readonly proxy: boolean;
  readonly price: number;
  readonly priceUnit: string;
}

/** What may change with every heartbeat. */
export interface RunnerPresent {
  readonly runnerId: string;
  readonly runnerUrl: string;
  readonly capacity: number;
  readonly status: RunnerStatus;
  readonly sessionIds: readonly string[];
  readonly gpu: RunnerGpu | null;
  readonly metadata: string;
}

/** Orchestrators take capacities from 1 to this. */
const MAX_CAPACITY = 10_000;

export const heartbeatBody = (facts: RunnerFacts, present: RunnerPresent): HeartbeatBody => ({
  runner_id: present.runnerId,
  runner_url: present.runnerUrl,
  app: facts.app,
  mode: facts.mode,
  proxy: facts.proxy,
  ...(facts.label === undefined ? {} : { label: facts.label }),
  version: facts.version,
  status: present.status,
  capacity: Math.min(MAX_CAPACITY, Math.max(1, Math.floor(present.capacity))),
  ...(present.gpu === null ? {} : { gpu: present.gpu }),
  price_info: { price: facts.price, currency: "usd", unit: facts.priceUnit },
  metadata: present.metadata,
  session_ids: present.sessionIds,
});

const MIB = 1024 * 1024;

/** The GPU that the first device runs on; null for a CPU, and where nothing is known about it. */
export function gpuOf(devices: readonly string[], gpus: readonly Gpu[]): RunnerGpu | null {
  const index = /^(?:cuda|tensorrt):(\d+)$/.exec(devices[0] ?? "")?.[1];
  const gpu = index === undefined ? undefined : gpus[Number(index)];
  if (gpu === undefined) return null;
  return { id: gpu.id, name: gpu.name, vram_mb: Math.floor(gpu.memory_total / MIB) };
}

const MAX_METADATA_BYTES = 1024;
const MEDIA = ["video/mp2t"];
const SURFACES = ["/stream", "/echo", "/start_stream", "/scope"];
/** A model is loaded for the first session that wants it, and stays loaded. */
export const LOAD_POLICY = "on-demand";

/** Public facts for clients that choose a runner, as compact JSON. Presets are left out first where it grows too long. */
export function streamMetadata(models: readonly ModelInfo[]): string {
  const model = INPUT_DEFAULTS.model;
  const presets = Object.keys(models.find(({ name }) => name === model)?.presets ?? {});
  const facts = { inputs: MEDIA, outputs: MEDIA, surfaces: SURFACES, model, policy: LOAD_POLICY };
  for (let count = presets.length; count > 0; count--) {
    const text = JSON.stringify({ ...facts, presets: presets.slice(0, count) });
    if (Buffer.byteLength(text) <= MAX_METADATA_BYTES) return text;
  }
  return JSON.stringify(facts);
}

export const batchMetadata = (description: string): string => JSON.stringify({ description });

/** The base of runner URLs and the setting that it comes from; undefined: this server's own URL. */
const runnerBase = ({ runnerUrl, capabilityUrl }: Config) => ({
  variable: "RUNNER_URL",
  url: runnerUrl ?? capabilityUrl,
});

export const runnerBaseUrl = (config: Config, ownUrl: string): string =>
  runnerBase(config).url ?? ownUrl;

/** The base for logs: without credentials, with its path. */
export function shownBaseUrl(base: string): string {
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

/** Why RUNNER_URL probably does not work, as messages; empty where nothing speaks against it. */
export function runnerUrlDoubts(config: Config): readonly string[] {
  const base = runnerBase(config);
  const unreachable = doubtAboutUrl(base, config.orchUrl ?? []);
  const https = base.url?.startsWith("https:")
    ? `${base.variable} ${base.url} is https: orchestrators check its certificate against their system's authorities and answer 502 if they do not know it; http:// needs none`
    : null;
  return [unreachable, pathDoubt(base), https].filter((one) => one !== null);
}

/** The capabilities of RUNNER_BATCH. Throws ConfigError for a name that cannot be called as a batch job. */
export function batchCapabilities({ runnerBatch = [] }: Pick<Config, "runnerBatch">) {
  const callable = CAPABILITIES.filter(({ name }) => name !== "comfystream-video");
  const names = [...new Set(runnerBatch)];
  const unknown = names.filter((name) => !callable.some((one) => one.name === name));
  if (unknown.length > 0)
    throw new ConfigError(
      `RUNNER_BATCH has names that are not batch capabilities of this program: ${unknown.join(", ")}; there are ${callable.map(({ name }) => name).join(", ")}`,
    );
  return callable.filter(({ name }) => names.includes(name));
}

/** The app id of a batch capability: the first part of RUNNER_APP, and its name. */
export const batchApp = (runnerApp: string, capability: string): string =>
  `${runnerApp.split("/")[0]}/${capability}`;
