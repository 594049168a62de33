/** Runs what gives pictures to the stream or to files. */
import type { NodeRunner } from "./node-runner.ts";

export const saveImages =
  (target: "stream" | "files"): NodeRunner =>
  (inputs, { emit }) => {
    const images = inputs.link("images", "IMAGE");
    emit({ kind: "images", images, isStream: target === "stream" });
    return [];
  };
