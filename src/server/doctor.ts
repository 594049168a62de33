/** Hides how a machine is examined: an engine a device says what it can do, in a table to read. */
import type { Config } from "../config.ts";
import type { FromEngine } from "../engine/protocol/messages.ts";
import type { ModelInfo } from "../engine/protocol/models.ts";
import type { StreamParams, StreamSpec } from "../engine/protocol/work.ts";
import { reason, WorkerError } from "../errors.ts";
import { TrickleServer } from "../trickle/server/trickle-server.ts";
import { chooseDevices } from "./engines/devices.ts";
import { type EngineCommand, EngineProcess } from "./engines/engine-process.ts";
import { CLOCK_DEFAULTS } from "./streams/params.ts";

/** A device's engine and all its models: TensorRT builds engine files, for minutes. */
const TIMEOUT_MS = 300_000;
const END_TIMEOUT_MS = 5000;
/** Messages are few: nothing of an engine's answer waits or is lost. */
const UNBOUNDED = new CountQueuingStrategy({ highWaterMark: Number.POSITIVE_INFINITY });

interface Finding {
  readonly device: string;
  /** What is wrong with the device; null if it works. */
  readonly problem: string | null;
  readonly codecs: readonly string[];
  readonly models: readonly ModelInfo[];
}

/** The table and whether everything that was asked for is there. */
export async function examine(
  config: Config,
  command: EngineCommand,
  version: string,
): Promise<{ ok: boolean; report: string }> {
  const devices = chooseDevices(config.device);
  const findings: Finding[] = [];
  for (const device of devices.names) findings.push(await examineDevice(device, config, command));
  const failed = findings.some(({ problem, models }) => problem !== null || models.some(isFailed));
  const head = `comfystream-byoc ${version}, Bun ${Bun.version}, ${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`;
  return { ok: !failed, report: [head, ...findings.map(render)].join("\n\n") };
}

async function examineDevice(
  device: string,
  config: Config,
  command: EngineCommand,
): Promise<Finding> {
  const gone = Promise.withResolvers<never>();
  const inbox = new TransformStream<FromEngine, FromEngine>(undefined, undefined, UNBOUNDED);
  const writer = inbox.writable.getWriter();
  const engine = new EngineProcess({
    ...command,
    engine: {
      device,
      workspace: config.workspace,
      frame_queue: config.frameQueue,
      max_frame_age_ms: config.maxFrameAgeMs,
      log_level: "error",
      log_format: config.logFormat,
    },
    bootMs: TIMEOUT_MS,
    receive: (message) => void writer.write(message),
    gone: ({ why }) => gone.reject(new Error(`its engine ended: ${why}`)),
  });
  const late = setTimeout(() => gone.reject(new Error("its engine took too long")), TIMEOUT_MS);
  try {
    return await Promise.race([gone.promise, question(device, engine, inbox.readable)]);
  } catch (error) {
    return { device, problem: reason(error), codecs: [], models: [] };
  } finally {
    clearTimeout(late);
    await engine.end(AbortSignal.timeout(END_TIMEOUT_MS));
  }
}

/** Hears which models there are, and lets each make a stream on a clock: only then it is known what really runs it. */
async function question(
  device: string,
  engine: EngineProcess,
  inbox: ReadableStream<FromEngine>,
): Promise<Finding> {
  const models = new Map<string, ModelInfo>();
  let codecs: readonly string[] = [];
  using trickle = new TrickleServer({ autoCreate: true });
  await using channels = listenFor(trickle);
  const tried = new Set<string>();
  /** Streams that have not ended. */
  const running = new Set<string>();
  const next = () =>
    [...models.values()].find(({ name, state }) => state === "cold" && !tried.has(name))?.name;
  const isWarming = () => [...models.values()].some(({ state }) => state === "warming");
  for await (const message of inbox) {
    if (message.type === "unfit") throw new WorkerError(message.error.kind, message.error.message);
    if (message.type === "model") models.set(message.model.name, message.model);
    if (message.type === "ready") {
      codecs = message.codecs ?? [];
      for (const model of message.models) models.set(model.name, model);
    }
    if (message.type === "ended" && message.error !== undefined)
      throw new WorkerError(message.error.kind, `model ${message.id}: ${message.error.message}`);
    if (message.type === "model" && /ready|failed/.test(message.model.state))
      engine.send({ type: "stop", id: message.model.name });
    if (message.type === "ended") running.delete(message.id);
    if (!/^(ready|model|ended)$/.test(message.type) || running.size > 0) continue;
    const name = next();
    if (name === undefined && isWarming()) continue;
    if (name === undefined) break;
    tried.add(name);
    running.add(name);
    const order = { kind: "stream", spec: channels.spec(name), params: paramsFor(name) } as const;
    engine.send({ type: "start", id: name, number: tried.size, order });
  }
  return { device, problem: null, codecs, models: [...models.values()] };
}

/** A trickle server of our own on loopback, so that what is tried is the whole way of a stream. */
function listenFor(trickle: TrickleServer) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: (request) =>
      trickle.handle(request, new URL(request.url).pathname.slice(1), {
        address: "127.0.0.1",
        kind: "own",
        disconnect() {},
      }),
  });
  return {
    spec: (model: string): StreamSpec => ({
      output: {
        endpoint: { url: new URL(encodeURIComponent(model), server.url).href },
        lifecycle: "owned",
      },
      container: "fmp4",
      segment_seconds: 1,
      audio: "none",
    }),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

const paramsFor = (model: string): StreamParams => ({
  ...CLOCK_DEFAULTS,
  prompts: [{ prompt: "a test" }],
  model,
});

function render({ device, problem, codecs, models }: Finding): string {
  if (problem !== null) return `device ${device}: FAILED: ${problem}`;
  const rows = models.map((model) => [
    model.name,
    model.source,
    model.state,
    model.execution_provider ?? "-",
    model.error ?? "",
  ]);
  const lines = table([["model", "source", "state", "provider", ""], ...rows]);
  return [
    `device ${device}: ok`,
    ...(codecs.length > 0 ? [`codecs: ${codecs.join(", ")}`] : []),
    ...lines,
  ].join("\n");
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const isFailed = (model: ModelInfo) => model.state === "failed";
