/** Reads ComfyUI's `.latent` files: one tensor in the safetensors format. */
import { WorkerError } from "../../../errors.ts";
import type { Latent } from "../../diffusion/sampler/latent.ts";

const TENSOR = "latent_tensor";
/** Marks files on today's scale; ComfyUI multiplied the latents of older ones by the factor of Stable Diffusion 1.x. */
const VERSION = "latent_format_version_0";
const OLD_SCALE = 0.18215;

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 2 ** 20;

/** Throws `unsupported_media` for files that hold no float32 latent. */
export function readLatentFile(file: Uint8Array): Latent {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const header = headerOf(bytes);
  const {
    dtype,
    shape,
    data_offsets: range,
  } = (header.tensors[TENSOR] ?? {}) as {
    readonly [field: string]: unknown;
  };
  if (dtype !== "F32" || !isNumbers(shape) || !isNumbers(range)) {
    throw notLatent(`it has no F32 tensor ${TENSOR}`);
  }
  const [batch, channels, height, width, ...more] = shape;
  if (!batch || !channels || !height || !width || more.length > 0) {
    throw notLatent(`its shape is [${shape.join(", ")}], not [batch, channels, height, width]`);
  }
  const [from, to] = [header.end + (range[0] ?? 0), header.end + (range[1] ?? 0)];
  const count = batch * channels * height * width;
  if (to - from !== count * 4 || to > bytes.length) throw notLatent("it is cut short");
  const samples = new Float32Array(new Uint8Array(bytes.subarray(from, to)).buffer);
  const isOld = header.tensors[VERSION] === undefined;
  return {
    samples: isOld ? samples.map((value) => value / OLD_SCALE) : samples,
    shape: [batch, channels, height, width],
  };
}

function headerOf(bytes: Buffer): { tensors: Record<string, unknown>; end: number } {
  const length = bytes.length < LENGTH_BYTES ? 0 : Number(bytes.readBigUInt64LE());
  const end = LENGTH_BYTES + length;
  if (length === 0 || length > MAX_HEADER_BYTES || end > bytes.length) {
    throw notLatent("it is not a safetensors file");
  }
  try {
    const tensors: unknown = JSON.parse(bytes.toString("utf8", LENGTH_BYTES, end));
    if (typeof tensors === "object" && tensors !== null) {
      return { tensors: tensors as Record<string, unknown>, end };
    }
  } catch {
    // It is reported below.
  }
  throw notLatent("its header is not valid JSON");
}

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => Number.isInteger(one) && one >= 0);

const notLatent = (problem: string): WorkerError =>
  new WorkerError("unsupported_media", `the file is not a latent: ${problem}`);
