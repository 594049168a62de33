/** Hides how a machine is examined: an engine a device says what it can do, in a table to read. */
import type { Config } from "../config.ts";
import type { ModelInfo } from "../engine/protocol.ts";
import { chooseDevices } from "./devices.ts";
import { type EngineCommand, EngineProcess } from "./engine-process.ts";

const BOOT_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 5000;

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
  const found = Promise.withResolvers<Finding>();
  const lost = (problem: string) => found.resolve({ device, problem, codecs: [], models: [] });
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
    receive: (message) => {
      if (message.type === "unfit") lost(message.error.message);
      if (message.type !== "ready") return;
      found.resolve({
        device,
        problem: null,
        codecs: message.codecs ?? [],
        models: message.models,
      });
    },
    gone: (why) => lost(`its engine ended: ${why}`),
  });
  const timer = setTimeout(() => lost(`no answer within ${BOOT_TIMEOUT_MS} ms`), BOOT_TIMEOUT_MS);
  const finding = await found.promise;
  clearTimeout(timer);
  await engine.end(AbortSignal.timeout(END_TIMEOUT_MS));
  return finding;
}

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
