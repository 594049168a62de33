/** Derives what engines are told from the configuration of the server or of a command. */
import type { Config } from "../../config.ts";
import type { EngineOptions } from "../../engine/protocol/messages.ts";

/** The options that all engines of this program share; the caller adds the device, and what else the engine should know. */
export const engineOptions = (config: Config) =>
  ({
    workspace: config.workspace,
    frame_queue: config.frameQueue,
    max_frame_age_ms: config.maxFrameAgeMs,
    max_batch: config.maxBatch,
    log_format: config.logFormat,
  }) satisfies Partial<EngineOptions>;
