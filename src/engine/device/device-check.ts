/** Proves that a device works by running a tiny session on it, in a thread of its own. Never falls back silently. */
import { reason, WorkerError } from "../../errors.ts";
import { type Device, parseDevice, withoutFallback } from "./devices.ts";
import { ProgramWorker } from "./program-worker.ts";

/** Returns the device of this name once it has proven to work. Throws `device_unavailable` with the way out. */
export async function checkDevice(name: string): Promise<Device> {
  const device = parseDevice(name);
  await using worker = new ProgramWorker();
  const settings = device.name === "cpu" ? device.settings : withoutFallback(device.settings);
  try {
    await worker.call("probe", { settings });
    return device;
  } catch (error) {
    const backends = await worker.call("backends", null).catch(() => []);
    throw new WorkerError(
      "device_unavailable",
      `the device ${device.name} (${device.label}) does not work here: ${reason(error)}. ` +
        `ONNX Runtime was built with ${backends.join(", ")}. Install the driver and the provider's libraries, ` +
        "or choose another device, e.g. --device cpu",
      { cause: error },
    );
  }
}

/** How long the trial of a device may take: a first CUDA context takes seconds, TensorRT's libraries longer. */
export const probeDeadlineMs = (name: string): number => (name === "cpu" ? 10_000 : 60_000);

/** Resolves `auto` to the first GPU if that really works, else to the CPU; checks any other device. */
export async function resolveDevice(name: string): Promise<Device> {
  if (name !== "auto") return await checkDevice(name);
  return await checkDevice("cuda:0").catch(() => checkDevice("cpu"));
}
