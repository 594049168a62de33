/** Reads settings from flags and environment into one checked, frozen Config. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import type { StaticDecode, TObject, TProperties, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { reason } from "./errors.ts";
import { holdsOnnxRuntime } from "./native/onnx-runtime-folder.ts";
import { Settings } from "./settings.ts";

/** All settings, checked and frozen: durations in milliseconds, sizes in bytes, `orchCa` as PEM text. */
export type Config = Readonly<StaticDecode<typeof Settings>>;

/** Lists everything that is wrong with flags and environment, one sentence a line. The process exits with 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads flags and environment. A flag wins over its variable; an empty variable counts as absent. Throws ConfigError. */
export function readConfig(
  flags: readonly string[],
  env: Readonly<Record<string, string | undefined>> = Bun.env,
): Config {
  const { given, problems } = parseFlags(flags);
  const raw: Record<string, unknown> = {};
  const origin: Record<string, string> = {};
  for (const key of Object.keys(Settings.properties)) {
    const variable = env[variableName(key)];
    const flag = given.get(key);
    const text = flag ?? (variable === "" ? undefined : variable);
    origin[key] = flag === undefined ? variableName(key) : flagName(key);
    if (text !== undefined)
      raw[key] = /^(log|trickle|inspectable|orchTls|orchMode|runnerProxy|runnerPriceUnit)/.test(key)
        ? text.toLowerCase()
        : text;
  }
  const candidate = Value.Convert(Settings, Value.Default(Settings, { ...raw }));
  for (const [key, schema] of Object.entries(Settings.properties)) {
    const value = (candidate as Record<string, unknown>)[key];
    // Conversion truncates fractions silently.
    const fraction = schema.type === "integer" && !Number.isInteger(Number(raw[key] ?? 0));
    if (value === undefined || (Value.Check(schema, value) && !fraction)) continue;
    const shown = schema["secret"] ? "" : `, got ${withoutPasswords(JSON.stringify(raw[key]))}`;
    problems.push(`${origin[key]} must be ${schema["expects"]}${shown}`);
  }
  const workspace = raw["workspace"];
  if (env["WORKSPACE"] || given.has("workspace")) {
    if (!existsSync(String(workspace)))
      problems.push(`${origin["workspace"]} names a folder that does not exist: ${workspace}`);
  }
  const authorities = readAuthorities(raw["orchCa"], problems);
  const providers = raw["ortLibDir"];
  if (typeof providers === "string" && !holdsOnnxRuntime(providers))
    problems.push(`ORT_LIB_DIR names a folder without libonnxruntime*.so: ${providers}`);
  problems.push(...runnerProblems(raw), ...usageLogProblems(raw));
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  const config = Value.Decode(Settings, candidate);
  return Object.freeze({
    ...config,
    workspace: resolve(config.workspace),
    ...(authorities === null ? {} : { orchCa: authorities }),
  });
}

/** What is wrong with the live-runner settings taken together. */
function runnerProblems(raw: Readonly<Record<string, unknown>>): readonly string[] {
  const { orchMode, runnerApp, runnerBatch } = raw;
  const problems: string[] = [];
  if (runnerApp === undefined && (orchMode === "runner" || orchMode === "both"))
    problems.push(
      `ORCH_MODE=${orchMode} needs RUNNER_APP, such as live-video-to-video/comfystream`,
    );
  if (runnerApp === undefined && runnerBatch !== undefined)
    problems.push("RUNNER_BATCH needs RUNNER_APP: its first part begins the names of those apps");
  return problems;
}

/** What is wrong with the files of usage records. A server opens them when it starts. */
function usageLogProblems(raw: Readonly<Record<string, unknown>>): readonly string[] {
  const { usageLog, runnerUsageLog } = raw;
  const problems = Object.entries({ USAGE_LOG: usageLog, RUNNER_USAGE_LOG: runnerUsageLog })
    .filter(([, path]) => typeof path === "string" && !existsSync(dirname(resolve(path))))
    .map(([name, path]) => `${name} names a file in a folder that does not exist: ${path}`);
  if (usageLog !== undefined && usageLog === runnerUsageLog)
    problems.push(
      "RUNNER_USAGE_LOG must not name the file of USAGE_LOG, which has sessions as well",
    );
  return problems;
}

/** The PEM text of the file at ORCH_CA; null where it is not set. Adds to `problems`. */
function readAuthorities(path: unknown, problems: string[]): string | null {
  if (typeof path !== "string") return null;
  try {
    const pem = readFileSync(path, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
    problems.push(`ORCH_CA names a file without a PEM certificate: ${path}`);
  } catch (error) {
    problems.push(`ORCH_CA names a file that cannot be read: ${path} (${reason(error)})`);
  }
  return null;
}

const withoutPasswords = (urls: string): string => urls.replace(/\/\/[^/,]*@/g, "//…@");

/** Variables of an engine: what Bun, the C library, ONNX Runtime and GPU drivers read. Its requests use no proxy. */
const ENGINE_VARIABLES = [
  /^(PATH|HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE)$/,
  /^(LC|LD|XDG|MALLOC|BUN|UV|ORT|OMP|KMP|GOMP|MKL|OPENBLAS|CUDA|CUDNN|CUBLAS|NVIDIA|NV|TRT|TENSORRT)_/,
  /^(GLIBC_TUNABLES|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|SSL_CERT_FILE|SSL_CERT_DIR)$/,
];
/** Such a name may contain one of these all the same. */
const CREDENTIAL = /TOKEN|SECRET|PASSW|CREDENTIAL|_KEY$/i;

/**
 * Returns the environment for an engine process. Since engines decode what strangers send, it has only what they need of this
 * process's variables, and what must be set before an engine starts (facts.md 1).
 */
export function engineEnvironment(
  env: Readonly<Record<string, string | undefined>> = Bun.env,
): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      ENGINE_VARIABLES.some((names) => names.test(entry[0])) &&
      !CREDENTIAL.test(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
    ORT_DISABLE_TELEMETRY: "1",
    // Every run of a model maps its memory anew: with huge pages that takes a tenth of the time (glibc 2.35 and newer).
    GLIBC_TUNABLES: env["GLIBC_TUNABLES"] ?? "glibc.malloc.hugetlb=1",
    // Codec calls of all streams run in one pool: with as many threads as cores, two large pictures stop all others.
    UV_THREADPOOL_SIZE:
      env["UV_THREADPOOL_SIZE"] ?? String(Math.max(8, 4 * availableParallelism())),
  };
}

/** Of the longest flag in `--help`. */
const FLAG_WIDTH = 24;

/** A setting as people read it. */
export interface SettingText {
  /** Empty where it has a variable only. */
  readonly flag: string;
  readonly variable: string;
  readonly meaning: string;
  /** Empty where it has none. */
  readonly fallback: string;
}

/** All settings in the order in which they are declared. */
export const settingTexts = (): SettingText[] =>
  Object.entries(Settings.properties).map(([key, schema]) => ({
    flag: schema["variableOnly"] ? "" : flagName(key),
    variable: variableName(key),
    ...described(schema),
  }));

/** Formats the flags with their variables, defaults and meanings for `--help`. */
export const describeSettings = (): string =>
  settingTexts()
    .map(({ flag, variable, meaning, fallback }) => {
      const shown = fallback === "" ? "" : ` (${fallback})`;
      return `  ${flag.padEnd(FLAG_WIDTH)} ${variable.padEnd(27)} ${meaning}${shown}`;
    })
    .join("\n");

function described({ description, default: fallback, ...schema }: TSchema) {
  const choices = schema["choices"] ? `: ${schema["choices"]}` : "";
  return { meaning: `${description}${choices}`, fallback: String(fallback ?? "") };
}

function parseFlags(flags: readonly string[]) {
  const given = new Map<string, string>();
  const problems: string[] = [];
  const known = new Map(
    Object.entries((Settings as TObject<TProperties>).properties)
      .filter(([, schema]) => !schema["variableOnly"])
      .map(([key]) => [flagName(key), key]),
  );
  const rest = [...flags];
  for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
    const [name = "", inline] = flag.split(/=(.*)/s, 2);
    const key = known.get(name);
    if (key === undefined) {
      problems.push(`unknown ${flag.startsWith("-") ? "flag" : "argument"} ${name}; see --help`);
      if (rest[0] !== undefined && !rest[0].startsWith("-") && inline === undefined) rest.shift();
      continue;
    }
    const value = inline ?? (rest[0]?.startsWith("--") ? undefined : rest.shift());
    if (value === undefined) problems.push(`${name} needs a value`);
    else given.set(key, value);
  }
  return { given, problems };
}

const flagName = (key: string) =>
  `--${key.replace(/[A-Z]/g, (upper) => `-${upper.toLowerCase()}`)}`;
const variableName = (key: string) => key.replace(/[A-Z]/g, (upper) => `_${upper}`).toUpperCase();
