/** Proves that a device works by running a tiny session on it. Never falls back silently. */
import { isCompiled } from "../../compiled.ts";
import { reason, WorkerError } from "../../errors.ts";
import { type Device, parseDevice, withoutFallback } from "./devices.ts";
import { ProgramWorker } from "./program-worker.ts";

/**
 * Returns the device of this name once it has proven to work. Throws `device_unavailable` with the way out.
 *
 * @param worker runs the session; it stays the caller's, and may take a program afterwards
 */
export async function checkDevice(name: string, worker: ProgramWorker): Promise<Device> {
  const device = parseDevice(name);
  const settings = device.name === "cpu" ? device.settings : withoutFallback(device.settings);
  try {
    await worker.call("probe", { settings });
    return device;
  } catch (error) {
    const backends = await worker.call("backends", null).catch(() => []);
    throw new WorkerError(
      "device_unavailable",
      `the device ${device.name} (${device.label}) does not work here: ${reason(error)}. ` +
        `${builtWith(backends)}${wayOut(device.name, isCompiled() ? "binary" : "clone")}`,
      { cause: error },
    );
  }
}

const builtWith = (backends: readonly string[]): string =>
  backends.length === 0 ? "" : `ONNX Runtime was built with ${backends.join(", ")}. `;

/** What ONNX Runtime 1.30 wants of the machine. The compiled binary looks for libraries elsewhere than a clone. */
export function wayOut(device: string, program: "binary" | "clone"): string {
  if (device === "cpu") {
    return program === "binary"
      ? "ONNX Runtime itself cannot run: doctor compares its libraries in the cache folder, and the next start unpacks them anew once that folder is removed"
      : "ONNX Runtime itself cannot run: install the dependencies again";
  }
  const isTensorRt = device.startsWith("tensorrt");
  const [nvidia, providers] = isTensorRt
    ? ["CUDA 12, cuDNN 9 and TensorRT 10", "shared.so, _cuda.so and _tensorrt.so"]
    : ["CUDA 12 and cuDNN 9", "shared.so and _cuda.so"];
  const place =
    program === "binary"
      ? "into lib/ beside the binary or a folder that ORT_LIB_DIR names"
      : "beside libonnxruntime.so.1: ONNXRUNTIME_NODE_INSTALL=cuda12 bun node_modules/onnxruntime-node/script/install.js";
  return (
    `Install the NVIDIA driver, and ${nvidia} where the dynamic linker finds them; put ONNX Runtime's libraries ` +
    `libonnxruntime_providers_${providers} ${place}; or choose another device, e.g. --device cpu`
  );
}

/** How long the trial of a device may take: a first CUDA context takes seconds, TensorRT's libraries longer. */
export const probeDeadlineMs = (name: string): number => (name === "cpu" ? 10_000 : 60_000);

/** Resolves `auto` to the first GPU if that really works, else to the CPU; checks any other device. */
export async function resolveDevice(name: string, worker: ProgramWorker): Promise<Device> {
  if (name !== "auto") return await checkDevice(name, worker);
  return await checkDevice("cuda:0", worker).catch(async () => {
    await using other = worker.isAlive ? null : new ProgramWorker(); // the GPU's libraries may have taken the thread along
    return await checkDevice("cpu", other ?? worker);
  });
}
