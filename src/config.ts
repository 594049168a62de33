/** Hides where settings come from: flags and environment become one checked, frozen Config. Only reader of the environment. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  type StaticDecode,
  type TObject,
  type TProperties,
  type TSchema,
  Type,
} from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import {
  address,
  byteSize,
  choice,
  commaList,
  count,
  duration,
  hostList,
  httpUrl,
  httpUrls,
  secret,
} from "./config-values.ts";

const DEVICE = "(auto|cpu|cuda(:\\d+)?|tensorrt(:\\d+)?)";

/** First words of routes: a capability of that name would never be asked (protocol.md 1.2). */
const RESERVED = [
  "process",
  "stream",
  "streams",
  "health",
  "version",
  "app-version",
  "hardware",
  "live-video-to-video",
  "c",
];

/** Read and checked; what it is for is not in this version. */
const later = { later: true };

/**
 * Every setting. The key gives the flag (`maxStreams` → `--max-streams`) and the variable (`MAX_STREAMS`);
 * `expects` completes the sentence "… must be". Durations are decoded to milliseconds, sizes to bytes.
 */
const Settings = Type.Object({
  host: address({ default: "0.0.0.0", description: "address to listen on" }),
  port: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 5000,
    expects: "an integer from 0 to 65535",
    description: "port to listen on; 0 picks a free one",
  }),
  workspace: Type.String({
    minLength: 1,
    default: "./workspace",
    expects: "a folder",
    description: "folder of models and settings",
  }),
  logLevel: choice(["debug", "info", "warning", "error"], "info", "least important level to log"),
  logFormat: choice(["text", "json"], "text", "form of a log line, on stderr"),
  device: commaList(DEVICE, {
    default: "auto",
    expects: "auto or a comma list of cpu, cuda, cuda:N, tensorrt:N",
    description: "where models run",
    choices: "auto or a comma list of cpu, cuda, cuda:N, tensorrt:N",
  }),
  engines: count(1, 64, 1, "engine processes a device"),
  maxStreams: Type.Optional(
    count(1, 100_000, undefined, "streams and pictures at a time (4 a CPU, 8 a GPU)"),
  ),
  frameQueue: count(1, 1000, 1, "frames that may wait before inference; 1 = newest wins"),
  maxFrameAgeMs: count(1, 600_000, 500, "older waiting frames are dropped"),
  maxBatch: count(0, 1024, 0, "frames a model runs at once; 0 = what warm-up found to pay", later),
  modelMemory: Type.Optional(
    byteSize({ description: "unload idle models beyond this size", ...later }),
  ),
  batchTimeout: duration({ default: "25s", description: "longest batch job" }),
  idleTimeout: duration({
    default: "0",
    description: "end idle streams after; 0 = never",
    ...later,
  }),
  grace: duration({ default: "8s", description: "longest shutdown" }),
  streamHistory: duration({ default: "1h", description: "ended streams stay readable this long" }),
  trickleServer: choice(["on", "strict", "off"], "on", "the embedded trickle server"),
  corsOrigins: commaList("(\\*|https?://[^/,\\s]+)", {
    default: "*",
    expects: "* or a comma list of origins such as https://app.example",
    description: "web origins that may call this server",
  }),
  apiToken: Type.Optional(secret("bearer token that every caller must send")),
  allowHosts: hostList({ default: "", description: "more hosts that streams may connect to" }),
  orchUrl: Type.Optional(
    httpUrls({ variableOnly: true, description: "orchestrators to register with" }),
  ),
  orchSecret: Type.Optional(secret("secret of the orchestrator", { variableOnly: true })),
  capabilityName: commaList(`(?!(${RESERVED.join("|")})\\s*(,|$))[\\w.-]{1,128}`, {
    default: "comfystream-video",
    variableOnly: true,
    expects: `a comma list of names of letters, digits, dot, dash and underscore, none of them ${RESERVED.join(", ")}`,
    description: "names to register",
  }),
  capabilityUrl: Type.Optional(
    httpUrl({ variableOnly: true, description: "this server's URL as an orchestrator sees it" }),
  ),
  capabilityCapacity: Type.Optional(
    count(1, 100_000, undefined, "capacity to register (MAX_STREAMS)", { variableOnly: true }),
  ),
  capabilityPricePerUnit: count(0, 1e15, 0, "price of a unit", { variableOnly: true }),
  capabilityPriceScaling: count(1, 1e15, 1, "units a price is for", { variableOnly: true }),
  capabilityCurrency: Type.String({
    pattern: "^\\w{1,16}$",
    default: "wei",
    variableOnly: true,
    expects: "a currency such as wei or USD",
    description: "currency of the price",
  }),
  capabilityDescription: Type.Optional(
    Type.String({
      maxLength: 1000,
      variableOnly: true,
      expects: "at most 1000 characters",
      description: "what an orchestrator shows of the capability",
    }),
  ),
  capabilityToken: Type.Optional(
    secret("bearer token that orchestrators send", { variableOnly: true }),
  ),
});

/** All settings, checked and frozen: durations in milliseconds, sizes in bytes, secrets as they are. */
export type Config = Readonly<StaticDecode<typeof Settings>>;

/** All that is wrong with flags and environment, one sentence a line. The process exits with 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A flag wins over its variable; an empty variable counts as absent. Throws ConfigError. */
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
    if (text !== undefined) raw[key] = /^(log|trickle)/.test(key) ? text.toLowerCase() : text;
  }
  const candidate = Value.Convert(Settings, Value.Default(Settings, { ...raw }));
  for (const [key, schema] of Object.entries(Settings.properties)) {
    const value = (candidate as Record<string, unknown>)[key];
    // Converting would cut fractions off in silence.
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
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  const config = Value.Decode(Settings, candidate);
  return Object.freeze({ ...config, workspace: resolve(config.workspace) });
}

const withoutPasswords = (urls: string): string => urls.replace(/\/\/[^/,]*@/g, "//…@");

/** The flags and variables given whose purpose is not in this version. */
export function unservedSettings(
  flags: readonly string[],
  env: Readonly<Record<string, string | undefined>> = Bun.env,
): string[] {
  const { given } = parseFlags(flags);
  return Object.entries(Settings.properties)
    .filter(([, schema]) => schema["later"])
    .flatMap(([key]) => {
      if (given.has(key)) return flagName(key);
      return env[variableName(key)] ? variableName(key) : [];
    });
}

/** The environment of an engine process: this one's without secrets, with what must be set before a process starts (facts.md 1). */
export function engineEnvironment(
  env: Readonly<Record<string, string | undefined>> = Bun.env,
): Record<string, string> {
  const secrets = new Set(
    Object.entries(Settings.properties)
      .filter(([, schema]) => schema["secret"])
      .map(([key]) => variableName(key)),
  );
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !secrets.has(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
    ORT_DISABLE_TELEMETRY: "1",
  };
}

/** The flags with their variables, defaults and meanings, as `--help` prints them. */
export function describeSettings(): string {
  const rows = Object.entries(Settings.properties).map(([key, schema]) => [
    schema["variableOnly"] ? "" : flagName(key),
    variableName(key),
    described(schema),
  ]);
  return rows
    .map(([flag, variable, text]) => `  ${flag?.padEnd(20)} ${variable?.padEnd(27)} ${text}`)
    .join("\n");
}

function described({ description, default: fallback, ...schema }: TSchema): string {
  const choices = schema["choices"] ? `: ${schema["choices"]}` : "";
  const shown = fallback === undefined || fallback === "" ? "" : ` (${fallback})`;
  return `${description}${choices}${shown}${schema["later"] ? "; not in this version" : ""}`;
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
