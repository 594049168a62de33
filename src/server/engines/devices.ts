/** Chooses the devices to run engines on, without native code: GPUs are found by their files in /dev. */
import { readdirSync } from "node:fs";

/** Devices to run engines on. `asked`: the configuration names them, and each must work; else they were found. */
export interface Devices {
  readonly names: readonly string[];
  readonly asked: boolean;
}

/** `auto` becomes every NVIDIA GPU, or the CPU where there is none; `cuda` becomes `cuda:0`. */
export function chooseDevices(wanted: readonly string[], found = nvidiaGpus()): Devices {
  if (!wanted.includes("auto")) {
    const names = wanted.map((name) => (/^(cuda|tensorrt)$/.test(name) ? `${name}:0` : name));
    return { names: [...new Set(names)], asked: true };
  }
  const gpus = found.map((n) => `cuda:${n}`);
  return { names: gpus.length > 0 ? gpus : ["cpu"], asked: false };
}

/** The default of --max-streams: an estimate until figures are measured. */
export function defaultMaxStreams(devices: readonly string[]): number {
  return devices.reduce((sum, device) => sum + (device === "cpu" ? 4 : 8), 0);
}

function nvidiaGpus(): number[] {
  try {
    return readdirSync("/dev")
      .flatMap((name) => /^nvidia(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return []; // no /dev: a system without NVIDIA's device files
  }
}
