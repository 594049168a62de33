/** Wraps onnxruntime-node, and is its only importer. Used in inference workers: `run` blocks its thread. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { reason, WorkerError } from "../../../errors.ts";
import type { Tensor, TensorValues } from "../../models/tensor.ts";
import { ELEMENT_TYPES, type ElementType } from "../../models/tensor-signature.ts";
import type { SessionSettings } from "../devices.ts";
import { readPlacements } from "./placements.ts";

/** Errors arrive as exceptions; the runtime would print them as well. Read when the first session opens. */
ort.env.logLevel = "fatal";

/** The execution providers that the installed ONNX Runtime was built with; not all of them may work on this machine. */
export const listBackends = (): readonly string[] =>
  ort.listSupportedBackends().map(({ name }) => name);

/** A loaded graph. Release it before its thread ends. */
export class Session {
  readonly #session: ort.InferenceSession;
  /** Where ONNX Runtime writes its profile; null where the session has none. */
  readonly #profile: string | null;

  private constructor(session: ort.InferenceSession, profile: string | null) {
    this.#session = session;
    this.#profile = profile;
  }

  /**
   * Throws `model_failed` with ONNX Runtime's message.
   *
   * @param folder where weights lie that are not in the model; null if all are
   */
  static async open(
    bytes: Uint8Array,
    settings: SessionSettings,
    folder: string | null = null,
  ): Promise<Session> {
    const { extra, ...rest } = settings;
    // Bytes have no folder of their own (onnxruntime_session_options_config_keys.h).
    const weights = folder === null ? {} : { model_external_initializers_file_folder_path: folder };
    const session = { ...extra?.["session"], ...weights };
    const profile = settings.enableProfiling
      ? await mkdtemp(join(tmpdir(), "byoc-profile-"))
      : null;
    const prefix = profile === null ? {} : { profileFilePrefix: join(profile, "session") };
    const options = { ...rest, ...prefix, extra: { ...extra, session } };
    try {
      return new Session(await ort.InferenceSession.create(bytes, options), profile);
    } catch (error) {
      await removeProfile(profile);
      throw new WorkerError("model_failed", `ONNX Runtime refuses it: ${reason(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Feeds tensors by name and returns the named outputs, whose memory belongs to the caller. Throws `model_failed`,
   * after which the session can be used again.
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[],
  ): Promise<Record<string, Tensor>> {
    try {
      const tensors: Record<string, ort.Tensor> = {};
      for (const [name, feed] of Object.entries(feeds)) tensors[name] = toOrt(feed);
      const results = await this.#session.run(tensors, outputs);
      return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, fromOrt(one)]));
    } catch (error) {
      throw new WorkerError("model_failed", `the run failed: ${reason(error)}`, { cause: error });
    }
  }

  /**
   * After a run: the number of nodes that each execution provider ran. Ends the profiling that `enableProfiling` asked
   * for; empty where it did not.
   */
  async placements(): Promise<Record<string, number>> {
    if (this.#profile === null) return {};
    this.#session.endProfiling();
    return await readPlacements(this.#profile);
  }

  async release(): Promise<void> {
    try {
      await this.#session.release();
    } finally {
      await removeProfile(this.#profile);
    }
  }
}

async function removeProfile(folder: string | null): Promise<void> {
  if (folder !== null) await rm(folder, { recursive: true, force: true });
}

function toOrt({ dtype, dims, data }: Tensor): ort.Tensor {
  return new ort.Tensor(dtype as "uint8", data as Uint8Array, dims); // the constructor checks the pair
}

function fromOrt(tensor: ort.OnnxValue): Tensor {
  const { type, dims, data } = tensor as ort.Tensor; // outputs are dense tensors in this build
  if (!(type in ELEMENT_TYPES) || !ArrayBuffer.isView(data)) {
    throw new Error(`the output is a ${type}, which no role can take`);
  }
  return { dtype: type as ElementType, dims, data: data as TensorValues };
}
