/** Declares every setting: its flag, its variable, its default, its form and its meaning. */
import { Type } from "@sinclair/typebox";
import {
  address,
  byteSize,
  choice,
  commaList,
  count,
  decimal,
  duration,
  hostList,
  httpUrl,
  httpUrls,
  onOff,
  positiveDuration,
  privateHttpUrl,
  secret,
} from "./config-values.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";

const DEVICE = "(auto|cpu|cuda(:\\d+)?|tensorrt(:\\d+)?)";

/** First segments of routes: a capability with such a name could not be called (protocol.md 1.2). */
const RESERVED = [
  "process",
  "stream",
  "streams",
  "health",
  "version",
  "app-version",
  "hardware",
  "live-video-to-video",
  "api",
  "trickle",
  "openapi",
  "models",
  "nodes",
  "metrics",
  "registrations",
  "runner",
  "c",
];

/**
 * The keys give the flags (`maxStreams` → `--max-streams`) and variables (`MAX_STREAMS`); `expects` completes the sentence
 * "… must be". Durations are decoded to milliseconds, sizes to bytes.
 */
export const Settings = Type.Object({
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
  logLevel: choice(LOG_LEVELS, "info", "least important level to log"),
  logFormat: choice(LOG_FORMATS, "text", "form of a log line, on stderr"),
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
  maxBatch: count(
    0,
    1024,
    0,
    "frames a model runs at once; 0 = the largest batch that warm-up found worthwhile",
  ),
  modelMemory: Type.Optional(byteSize({ description: "unload idle models beyond this size" })),
  batchTimeout: duration({ default: "25s", description: "longest batch job" }),
  comfyuiUrl: Type.Optional(
    privateHttpUrl({
      description: "a ComfyUI of yours that runs graphs with nodes that do not run here",
    }),
  ),
  idleTimeout: duration({
    default: "0",
    description:
      "end streams after this long without input frames, or without readers on this server; 0 = never",
  }),
  grace: duration({ default: "8s", description: "longest shutdown" }),
  streamHistory: duration({ default: "1h", description: "ended streams stay readable this long" }),
  usageLog: Type.Optional(
    Type.String({
      minLength: 1,
      expects: "the path of a file",
      description: "file that gets a line of JSON for each stream that ended",
    }),
  ),
  trickleServer: choice(
    ["on", "strict", "off"],
    "on",
    "the embedded trickle server; with strict, writing to a channel does not create it",
  ),
  corsOrigins: Type.Optional(
    commaList("(\\*|https?://[^/,\\s]+)", {
      expects: "* or a comma list of origins such as https://app.example",
      description:
        "web pages that may call this server, by origin (with --api-token: *; without: its own and those of this machine)",
    }),
  ),
  apiToken: Type.Optional(
    secret(
      "bearer token that opens every route; without it, operator routes are open to this machine",
    ),
  ),
  allowHosts: hostList({
    default: "",
    description:
      "more hosts that streams may connect to: names or addresses, with or without a port; * for all",
  }),
  ortLibDir: Type.Optional(
    Type.String({
      variableOnly: true,
      expects: "a folder with libonnxruntime*.so",
      description:
        "folder of ONNX Runtime's GPU providers, for the binary; lib/ beside it does the same",
    }),
  ),
  inspectable: onOff({
    default: "off",
    description:
      "let other processes of this user read the server's memory and environment, for debuggers and core dumps",
  }),
  orchUrl: Type.Optional(
    httpUrls({ variableOnly: true, description: "orchestrators to register with" }),
  ),
  orchSecret: Type.Optional(secret("secret of the orchestrator", { variableOnly: true })),
  orchTlsVerify: onOff({
    default: "off",
    variableOnly: true,
    description: "check the certificates of orchestrators and their channels",
  }),
  orchCa: Type.Optional(
    Type.String({
      variableOnly: true,
      expects: "the path of a PEM file",
      description: "file of certificate authorities to check them against; implies ORCH_TLS_VERIFY",
    }),
  ),
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
    secret("bearer token that orchestrators send; made at each start where it is not set", {
      variableOnly: true,
    }),
  ),
  orchMode: choice(
    ["auto", "byoc", "runner", "both"],
    "auto",
    "how to register: as BYOC capability, as live runner, or both; auto = both if RUNNER_APP is set",
  ),
  runnerApp: Type.Optional(
    Type.String({
      pattern: "^[\\w.-]+(/[\\w.-]+)*$",
      maxLength: 200,
      expects:
        "an app id such as live-video-to-video/comfystream: letters, digits, dot, dash and underscore in parts joined by /",
      description: "app id to register as live runner; turns that mode on",
    }),
  ),
  runnerUrl: Type.Optional(
    httpUrl({
      description: "this server's URL as a live-runner orchestrator sees it (CAPABILITY_URL)",
    }),
  ),
  runnerKey: Type.Optional(
    Type.String({
      pattern: "^[\\w-]{22,128}$",
      variableOnly: true,
      secret: true,
      expects: "22 to 128 letters, digits, dashes and underscores",
      description:
        "key in the path that live-runner orchestrators call; made at each start where it is not set",
    }),
  ),
  runnerId: Type.String({
    pattern: "^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$",
    default: "comfystream",
    expects: "at most 52 lower-case letters, digits and dashes, with no dash at an end",
    description: "first part of the runner id",
  }),
  runnerLabel: Type.Optional(
    Type.String({
      pattern: "^\\S(.{0,126}\\S)?$",
      expects: "at most 128 characters without blanks at the ends",
      description: "label that the orchestrator stores with the runner",
    }),
  ),
  runnerMetadata: Type.Optional(
    Type.String({
      format: "public-metadata",
      expects: "at most 1024 bytes of UTF-8",
      description: "public text about the runner, in place of the JSON that is made here",
    }),
  ),
  runnerProxy: onOff({
    default: "off",
    description: "ask the orchestrator for app URLs without the session id",
  }),
  runnerCapacity: Type.Optional(
    count(1, 10_000, undefined, "most live-runner sessions (CAPABILITY_CAPACITY or MAX_STREAMS)"),
  ),
  runnerPrice: decimal(0, 1_000_000, {
    default: 0,
    description: "price in USD per --runner-price-unit",
  }),
  runnerPriceUnit: choice(["hour", "fixed", "720p"], "hour", "unit of that price"),
  runnerIdleTimeout: positiveDuration({
    default: "300s",
    description: "end sessions after this long without input, unless their start sets another time",
  }),
  runnerUnusedTimeout: positiveDuration({
    default: "120s",
    description: "release reserved sessions that are not started within this time",
  }),
  runnerEndGrace: duration({
    default: "15s",
    description: "keep a session this long after its input ended or failed",
  }),
  runnerMaxSession: duration({ default: "0", description: "longest session; 0 = no limit" }),
  runnerSegmentSeconds: decimal(0.2, 10, {
    default: 1,
    description: "length of a segment in seconds, unless the start says otherwise",
  }),
  runnerUsageLog: Type.Optional(
    Type.String({
      minLength: 1,
      expects: "the path of a file",
      description: "file that gets a line of JSON for each session that ended",
    }),
  ),
  runnerBatch: Type.Optional(
    commaList("[\\w.-]{1,128}", {
      expects: "a comma list of batch capabilities",
      description: "batch capabilities to register as live runners, a single call each",
    }),
  ),
  workers: Type.Optional(
    httpUrls({
      variableOnly: true,
      description: "the workers behind CAPABILITY_URL, for the command registrar",
    }),
  ),
});
