/** The capability `comfystream-video`: starts a stream and answers at once. */
import { Type } from "@sinclair/typebox";
import { WorkerError } from "../errors.ts";
import type { Capability } from "./capability.ts";

export const comfystreamVideo: Capability = {
  name: "comfystream-video",
  aliases: [],
  description: "puts live video through a model, or draws it from a prompt",
  // The stream takes a place, not the job.
  onDevice: false,
  // The members are stream parameters, which are checked when the stream starts.
  input: Type.Object({}, { additionalProperties: true }),
  output: Type.Object({
    success: Type.Literal(true),
    manifest_id: Type.String(),
    stream_url: Type.String(),
    message: Type.String(),
  }),
  run: async (input, { route, signal, streams }) => {
    if (route === "network") {
      const message =
        "comfystream-video is not a batch job: start a stream with POST /ai/stream/start at the gateway or POST /stream/start here";
      throw new WorkerError("invalid_request", message);
    }
    const { manifest_id, stream_url } = await streams.start(input, "comfystream-video", signal);
    const message = "Video processing pipeline started";
    return { success: true, manifest_id, stream_url, message };
  },
};
