/** The command `doctor`: tries the devices of this machine with all models, and prints what works and what does not. */
import type { Config } from "../config.ts";
import type { ModelInfo } from "../engine/protocol/models.ts";
import { textTable } from "../text-table.ts";
import { type DeviceReport, tryDevice } from "./device-trial.ts";
import { chooseDevices } from "./engines/devices.ts";
import type { EngineCommand } from "./engines/engine-process.ts";

/** The report to print. `ok`: every device of the configuration works, and every model runs on each. */
export async function examine(
  config: Config,
  command: EngineCommand,
  version: string,
): Promise<{ ok: boolean; report: string }> {
  const devices: DeviceReport[] = [];
  for (const name of chooseDevices(config.device).names) {
    devices.push(await tryDevice(name, config, command));
  }
  const ok = devices.every(({ problem, models }) => problem === null && !models.some(isFailed));
  const machine = `${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`;
  const head = `comfystream-byoc ${version}, Bun ${Bun.version}, ${machine}`;
  return { ok, report: [head, ...devices.map(render)].join("\n\n") };
}

function render({ device, problem, codecs, models }: DeviceReport): string {
  const rows = models.map((model) => [
    model.name,
    model.source,
    model.state,
    model.execution_provider ?? "-",
    model.license || "-",
    model.error ?? "",
  ]);
  return [
    problem === null ? `device ${device}: ok` : `device ${device}: FAILED: ${problem}`,
    ...(codecs.length > 0 ? [`codecs: ${codecs.join(", ")}`] : []),
    ...(rows.length > 0
      ? textTable([["model", "source", "state", "provider", "licence", ""], ...rows])
      : []),
  ].join("\n");
}

const isFailed = (model: ModelInfo): boolean => model.state === "failed";
