/** The decode stage. */

import { getLogger } from "../../log.ts";
import type { VideoPacket } from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../protocol/call-journal.ts";
import { VideoDecoder } from "./video-decoder.ts";
import type { FramePool, VideoFrame } from "./video-frame.ts";

const log = getLogger("decode");

/** Deadline of a packet: the largest picture takes some tenths of a second. */
const DECODE_MS = 10_000;

export interface DecodeOptions {
  readonly pool: FramePool;
  readonly calls?: NativeCalls;
  readonly observer: Pick<PipelineObserver, "frameDropped">;
}

/**
 * Decodes from the first key frame on; a codec that changes in mid-stream gets a new decoder, a size
 * that changes does not need one. Packets it cannot decode are left out and logged.
 */
export function decode(options: DecodeOptions): Stage<VideoPacket, VideoFrame> {
  const { pool, observer, calls = UNRECORDED_CALLS } = options;
  let decoder: VideoDecoder | null = null;
  const dispose = (): void => {
    decoder?.[Symbol.dispose]();
    decoder = null;
  };
  return {
    async transform(packet, controller) {
      if (decoder && decoder.codec !== packet.codec) dispose();
      if (!decoder) {
        if (!packet.keyFrame) return observer.frameDropped();
        decoder = new VideoDecoder(packet.codec, pool);
      }
      const failed = decoder.errors;
      using _call = calls.begin("decode", DECODE_MS);
      for (const frame of await decoder.decode(packet)) controller.enqueue(frame);
      if (decoder.errors === failed) return;
      log.debug("packet not decodable", { pts: packet.pts });
      observer.frameDropped();
    },
    async flush(controller) {
      for (const frame of (await decoder?.flush()) ?? []) controller.enqueue(frame);
    },
    dispose,
  };
}
