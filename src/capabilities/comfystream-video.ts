/** Hides that the seed's video capability is a stream: it starts one and answers at once. */
import { Type } from "@sinclair/typebox";
import { WorkerError } from "../errors.ts";
import type { Capability } from "./capability.ts";

export const comfystreamVideo: Capability = {
  name: "comfystream-video",
  aliases: [],
  description: "puts live video through a model, or draws it from a prompt",
  // The stream takes the place.
  onDevice: false,
  // The members are a stream's parameters: starting checks them.
  input: Type.Object({}, { additionalProperties: true }),
  output: Type.Object({
    success: Type.Literal(true),
    manifest_id: Type.String(),
    stream_url: Type.String(),
    message: Type.String(),
  }),
  run: async (input, { caller, signal, streams }) => {
    if (caller === "network") {
      const message =
        "comfystream-video is no batch job: start a stream with POST /ai/stream/start at the gateway or POST /stream/start here";
      throw new WorkerError("invalid_request", message);
    }
    const { manifest_id, stream_url } = await streams.start(input, "comfystream-video", signal);
    const message = "Video processing pipeline started";
    return { success: true, manifest_id, stream_url, message };
  },
};
