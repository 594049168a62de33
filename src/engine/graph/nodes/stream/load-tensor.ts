/** LoadTensor: gives the newest frame of the video. */
import { WorkerError } from "../../../../errors.ts";
import { float } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const LoadTensor: NodeClass = {
  name: "LoadTensor",
  category: "stream",
  inputs: {},
  optional: { timeout_seconds: float({ default: 1, min: 0.1, max: 30, step: 0.1 }) },
  outputs: ["IMAGE"],
  isLive: true,
  note: "Gives the newest frame of the video. It never waits: timeout_seconds is ignored.",
  run(_, { frame }) {
    if (frame !== null) return [output("IMAGE", frame)];
    throw new WorkerError("invalid_request", "there is no video: send a picture, or use LoadImage");
  },
};
