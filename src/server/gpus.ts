/** Reads the names, memory and utilization of NVIDIA GPUs from nvidia-smi, which is part of their driver. */
import { getLogger } from "../log.ts";
import { untilAborted } from "../streams/until-aborted.ts";

const log = getLogger("server");

const FIELDS = [
  "uuid",
  "name",
  "memory.total",
  "memory.free",
  "compute_cap",
  "utilization.gpu",
  "utilization.memory",
];
const MIB = 1024 * 1024;
const TIMEOUT_MS = 3000;

/** One GPU as pytrickle reports it (protocol.md 7.1): memory in bytes, utilization in percent. */
export interface Gpu {
  readonly id: string;
  readonly name: string;
  readonly memory_total: number;
  readonly memory_free: number;
  /** Compute capability. */
  readonly major: number;
  readonly minor: number;
  readonly utilization_compute: number;
  readonly utilization_memory: number;
}

/** All GPUs, ordered by index; empty where nvidia-smi is missing, fails or takes longer than `timeoutMs`. */
export async function readGpus(
  program = Bun.which("nvidia-smi"),
  timeoutMs = TIMEOUT_MS,
): Promise<readonly Gpu[]> {
  if (program === null) return [];
  const child = Bun.spawn(
    [program, `--query-gpu=${FIELDS.join(",")}`, "--format=csv,noheader,nounits"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const table = Promise.all([new Response(child.stdout).text(), child.exited]);
  const answer = await untilAborted(table, AbortSignal.timeout(timeoutMs));
  if (answer === null) {
    // A process that hangs in its driver cannot be killed: it is not waited for.
    child.kill("SIGKILL");
    child.unref();
    log.warn("nvidia-smi does not answer", { timeout_ms: timeoutMs });
    return [];
  }
  const [text, code] = answer;
  if (code === 0) return parseGpus(text);
  log.warn("nvidia-smi failed", { code });
  return [];
}

/** Parses the table of nvidia-smi, which has one line per GPU. Values that a GPU does not report are 0. */
export function parseGpus(text: string): readonly Gpu[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const cells = line.split(",").map((cell) => cell.trim());
    const number = (at: number) => Number.parseFloat(cells[at] ?? "") || 0;
    const [major = 0, minor = 0] = (cells[4] ?? "").split(".").map((part) => Number(part) || 0);
    return {
      id: cells[0] ?? "",
      name: cells[1] ?? "",
      memory_total: number(2) * MIB,
      memory_free: number(3) * MIB,
      major,
      minor,
      utilization_compute: number(5),
      utilization_memory: number(6),
    };
  });
}
