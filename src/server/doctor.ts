/**
 * The command `doctor`: tries the devices of this machine with all models, and the operator's ComfyUI, asks a running server
 * about its registrations, and prints what works.
 */
import type { Config } from "../config.ts";
import type { ComfyReport } from "../engine/protocol/comfyui-report.ts";
import type { ModelInfo } from "../engine/protocol/models.ts";
import { examineLibraries } from "../native/load-addon.ts";
import { textTable } from "../text-table.ts";
import { examineComfyUi } from "./comfyui-trial.ts";
import { type DeviceReport, tryDevice } from "./device-trial.ts";
import { chooseDevices } from "./engines/devices.ts";
import type { EngineCommand } from "./engines/engine-process.ts";
import { examineRegistrations } from "./registrations-report.ts";

/**
 * The report to print. `ok`: every device of the configuration works, every model runs on each, so does the ComfyUI, the
 * binary's unpacked libraries are what they were, and a running server is registered with its orchestrators.
 */
export async function examine(
  config: Config,
  command: EngineCommand,
  version: string,
): Promise<{ ok: boolean; report: string }> {
  const libraries = await examineLibraries();
  const devices: DeviceReport[] = [];
  for (const name of chooseDevices(config.device).names) {
    devices.push(await tryDevice(name, config, command));
  }
  const comfyui = await examineComfyUi(config, command);
  const registrations = await examineRegistrations(config);
  const works = devices.every(({ problem, models }) => problem === null && !models.some(isFailed));
  const whole = libraries === null || libraries.damaged.length === 0;
  const ok =
    works &&
    whole &&
    (comfyui === null || comfyui.problems.length === 0) &&
    (registrations?.ok ?? true);
  const machine = `${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`;
  const head = `comfystream-byoc ${version}, Bun ${Bun.version}, ${machine}`;
  const parts = [
    head,
    ...(libraries === null ? [] : [renderLibraries(libraries)]),
    ...devices.map(render),
    ...(comfyui === null ? [] : [renderComfyUi(comfyui)]),
    ...(registrations === null ? [] : [registrations.text]),
  ];
  return { ok, report: parts.join("\n\n") };
}

function renderLibraries({ folder, damaged }: { folder: string; damaged: string[] }): string {
  if (damaged.length === 0) return `native libraries: ${folder}: ok`;
  return `native libraries: FAILED: ${damaged.join(", ")} in ${folder} changed since they were unpacked; remove that folder, and the next start unpacks them anew`;
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
      ? textTable([["model", "source", "state", "provider", "license", ""], ...rows])
      : []),
  ].join("\n");
}

function renderComfyUi({ label, version, devices, problems }: ComfyReport): string {
  const name = label.replace(/^the /, "");
  const facts = [version === null ? "of unknown version" : `version ${version}`, ...devices];
  if (problems.length === 0) return `${name}: ok, ${facts.join(", ")}`;
  return problems.map((problem) => `${name}: FAILED: ${problem}`).join("\n");
}

const isFailed = (model: ModelInfo): boolean => model.state === "failed";
