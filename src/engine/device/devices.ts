/** Maps device names to the session settings of ONNX Runtime, in one table. Uses no thread and no native module. */
import { WorkerError } from "../../errors.ts";

/** Options of a session: plain data, passed to ONNX Runtime unchanged. */
export interface SessionSettings {
  readonly executionProviders: readonly ({ name: string; deviceId: number } | "cpu")[];
  readonly intraOpNumThreads: number;
  readonly interOpNumThreads: number;
  readonly graphOptimizationLevel: "all";
  readonly enableCpuMemArena: boolean;
  /** Whether runs of a shape that came before get all of their tensors in one piece; by default they do. */
  readonly enableMemPattern?: boolean;
  /** Fatal only: errors arrive as exceptions, and a model that fails on every frame would fill the log. */
  readonly logSeverityLevel: 4;
  /** Finds out which execution provider runs each node; ends with the first look. */
  readonly enableProfiling?: boolean;
  /** Entries of the session's configuration, nested by the dots of their names. */
  readonly extra?: { readonly session: Readonly<Record<string, string | Record<string, string>>> };
}

/** One device of this machine. */
export interface Device {
  /** The name with its number: `cpu`, `cuda:0`, `tensorrt:1`. */
  readonly name: string;
  /** A description for messages. */
  readonly label: string;
  /** ONNX Runtime's name of the execution provider. */
  readonly executionProvider: string;
  /** How many runs may be in progress at once. */
  readonly lanes: (cores: number) => number;
  /** Large pictures run in threads of their own: runs take long here, and a model's memory is cheap. */
  readonly separatesSizes: boolean;
  readonly settings: SessionSettings;
}

/** One thread per run: with more than one stream or core in use, a second thread costs more than it gains (facts.md 6). */
const COMMON = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  // Without an arena each run gets its tensors from the system anew, which costs an engine up to half of a run (restyle at
  // 720p 65 ms, with it 33), and where there are no huge pages two thirds. A session keeps what its largest picture took.
  enableCpuMemArena: true,
  logSeverityLevel: 4,
  // An arena grows in powers of two, which weights do not need.
  extra: { session: { use_device_allocator_for_initializers: "1" } },
} as const;

const KINDS = {
  cpu: () => ({
    label: "CPU",
    executionProvider: "CPUExecutionProvider",
    lanes: (cores: number) => Math.max(1, cores - 1),
    separatesSizes: true,
    // With an arena the piece comes on top of what the first run left there: twice the memory, and not one run is faster.
    settings: { ...COMMON, enableMemPattern: false, executionProviders: ["cpu"] },
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

/** Looks up a device by name without touching the hardware. Throws `device_unavailable` for an unknown name. */
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

/** Getting a run's tensors one by one would take up to five times as long as getting all in one piece. */
const NO_ARENA = { enableCpuMemArena: false, enableMemPattern: true } as const;

/** The settings of a session on the CPU that gives the memory of a run back after it; on other devices as they are. */
export const givingBack = (settings: SessionSettings): SessionSettings =>
  settings.executionProviders.every((provider) => provider === "cpu")
    ? { ...settings, ...NO_ARENA }
    : settings;

/** The pictures that a session runs: those of 4096² take gigabytes. */
type PictureClass = "usual" | "large";

/**
 * The settings of a model's session. On a GPU it is profiled while it warms up, to know which execution provider runs
 * its nodes: ONNX Runtime silently leaves those that a provider lacks to the next one.
 *
 * @param threads of a run on the CPU; null: the device's default
 * @param pictures large ones have threads of their own: see `SizeThreads`
 */
export function settingsFor(
  { settings, name }: Device,
  threads: number | null,
  pictures: PictureClass = "usual",
): SessionSettings {
  const intraOpNumThreads = threads ?? settings.intraOpNumThreads;
  return {
    ...settings,
    intraOpNumThreads,
    // An arena for them takes the system seconds to clear, in which it stalls the frames of other streams.
    ...(pictures === "large" && NO_ARENA),
    // Threads that spin while they wait cost twice the CPU time at a live frame rate, and gain 2 ms a run at best.
    ...(intraOpNumThreads > 1 && {
      extra: { session: { ...settings.extra?.session, intra_op: { allow_spinning: "0" } } },
    }),
    ...(name !== "cpu" && { enableProfiling: true }),
  };
}

/**
 * Settings with which a session fails instead of placing a node on the CPU. For the device check only: real models have
 * shape arithmetic that belongs on the CPU.
 */
export const withoutFallback = ({ executionProviders, ...settings }: SessionSettings) => ({
  ...settings,
  executionProviders: executionProviders.filter((provider) => provider !== "cpu"),
  extra: { session: { disable_cpu_ep_fallback: "1" } },
});

/** Loading and the warm-up run. */
const LOAD_MS = 120_000;
/** TensorRT builds an engine file, for many minutes where the network is large. */
const BUILD_MS = 45 * 60_000;

/** How long a model may take to load, its first run included. */
export const loadDeadlineMs = ({ name }: Device): number =>
  name.startsWith("tensorrt") ? BUILD_MS : LOAD_MS;
