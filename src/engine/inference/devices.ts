/** Device names and what ONNX Runtime must be told for each: one table. Knows no thread and no native module. */
import { WorkerError } from "../../errors.ts";

/** What a session is made with; plain data, handed to ONNX Runtime as it is. */
export interface SessionSettings {
  readonly executionProviders: readonly ({ name: string; deviceId: number } | "cpu")[];
  readonly intraOpNumThreads: number;
  readonly interOpNumThreads: number;
  readonly graphOptimizationLevel: "all";
  readonly enableCpuMemArena: boolean;
  /** Fatal only: errors come as exceptions, and a model that fails on every frame would fill the log. */
  readonly logSeverityLevel: 4;
  readonly extra?: Record<string, Record<string, string>>;
}

/** One device of this machine. */
export interface Device {
  /** As it was asked for, with its number: `cpu`, `cuda:0`, `tensorrt:1`. */
  readonly name: string;
  /** For people: what it is and what it needs. */
  readonly label: string;
  /** The provider that runs the models, in ONNX Runtime's own words. */
  readonly executionProvider: string;
  /** How many runs may be under way at once. */
  readonly lanes: (cores: number) => number;
  /** Large pictures run in threads of their own: runs take long here, and a model's memory is cheap. */
  readonly separatesSizes: boolean;
  readonly settings: SessionSettings;
}

/** One thread a run: with more than one stream or core in use, two threads cost more than they give (facts.md 6). */
const COMMON = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  // An arena keeps what the largest picture ever took: 1.7 GB after one stream of 4096².
  enableCpuMemArena: false,
  logSeverityLevel: 4,
} as const;

const KINDS = {
  cpu: () => ({
    label: "CPU",
    executionProvider: "CPUExecutionProvider",
    lanes: (cores: number) => Math.max(1, cores - 1),
    separatesSizes: true,
    settings: { ...COMMON, executionProviders: ["cpu"] },
  }),
  cuda: (deviceId: number) => ({
    label: `NVIDIA GPU ${deviceId} through CUDA`,
    executionProvider: "CUDAExecutionProvider",
    lanes: () => 1,
    separatesSizes: false,
    settings: { ...COMMON, executionProviders: [{ name: "cuda", deviceId }, "cpu"] },
  }),
  tensorrt: (deviceId: number) => ({
    label: `NVIDIA GPU ${deviceId} through TensorRT`,
    executionProvider: "TensorrtExecutionProvider",
    lanes: () => 1,
    separatesSizes: false,
    settings: {
      ...COMMON,
      executionProviders: [{ name: "tensorrt", deviceId }, { name: "cuda", deviceId }, "cpu"],
    },
  }),
} as const satisfies Record<string, (deviceId: number) => Omit<Device, "name">>;

/** Looks a name up, without touching the hardware. Throws `device_unavailable` for unknown ones. */
export function parseDevice(name: string): Device {
  const [, kind = "", number] = /^([a-z]+)(?::(\d{1,3}))?$/.exec(name) ?? [];
  if (kind === "cpu" && number === undefined) return { name, ...KINDS.cpu() };
  if (kind === "cuda" || kind === "tensorrt") {
    const deviceId = Number(number ?? 0);
    return { name: `${kind}:${deviceId}`, ...KINDS[kind](deviceId) };
  }
  throw new WorkerError(
    "device_unavailable",
    `the device ${JSON.stringify(name)} is not known: use cpu, cuda, cuda:N or tensorrt:N`,
  );
}

/**
 * The settings under which a session fails rather than put one node on the CPU. For proofs only:
 * real models have shape arithmetic that belongs there.
 */
export const withoutFallback = ({ executionProviders, ...settings }: SessionSettings) => ({
  ...settings,
  executionProviders: executionProviders.filter((provider) => provider !== "cpu"),
  extra: { session: { disable_cpu_ep_fallback: "1" } },
});
