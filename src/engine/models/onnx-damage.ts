/** Finds out whether an ONNX file is whole: steps over the fields at its top level, as protobuf encodes them. */
import type { FileHandle } from "node:fs/promises";
import { ModelProtoSchema } from "onnx-buf";
import { MAX_ONNX_BYTES } from "./onnx-outline.ts";
import { formatBytes } from "./regular-file.ts";

/** A tag and a length of at most ten bytes each. */
const MAX_HEADER_BYTES = 20;
/** An ONNX file has some ten fields at its top level, and one for each local function. */
const MAX_FIELDS = 10_000;

/**
 * What is wrong with the file, as the predicate of a sentence with the way out; null for a file that may be an ONNX
 * model. Reads the tags and lengths alone.
 */
export async function describeDamage(handle: FileHandle, size: number): Promise<string | null> {
  if (size > MAX_ONNX_BYTES) {
    return "is larger than 2 GiB, the limit of the format: save the weights in a file beside it (external data)";
  }
  let hasGraph = false;
  let fields = 0;
  for (let at = 0; at < size; fields++) {
    if (fields === MAX_FIELDS) return null;
    const field = readField(await readAt(handle, at, MAX_HEADER_BYTES));
    if (field === null || at + field.length > MAX_ONNX_BYTES) {
      if (fields === 0) return "is not an ONNX file: use the .onnx file of the model";
      return hasGraph
        ? "is cut short or damaged behind its graph: download it again"
        : "is not an ONNX file, or is damaged: download it again";
    }
    hasGraph ||= field.number === ModelProtoSchema.field.graph.number && field.isMessage;
    at += field.length;
    if (at > size) return cutShort(size, at);
  }
  if (!hasGraph) {
    return "contains no ONNX graph (a TensorFlow SavedModel, a Core ML model, a test tensor or a cut download): use the .onnx file of the model";
  }
  return null;
}

const cutShort = (size: number, whole: number): string =>
  `is cut short: ${formatBytes(size)} are there of at least ${formatBytes(whole)}; download it again`;

/** One field: its number, and its length in bytes with its tag; null for what is not protobuf. */
function readField(
  bytes: Uint8Array,
): { number: number; isMessage: boolean; length: number } | null {
  const tag = readVarint(bytes, 0);
  if (tag === null || tag.value < 8) return null;
  const number = Math.floor(tag.value / 8);
  if (number > 100) return null; // ModelProto has 26 fields
  switch (tag.value % 8) {
    case 0: {
      const value = readVarint(bytes, tag.end);
      return value && { number, isMessage: false, length: value.end };
    }
    case 1:
      return { number, isMessage: false, length: tag.end + 8 };
    case 2: {
      const length = readVarint(bytes, tag.end);
      return length && { number, isMessage: true, length: length.end + length.value };
    }
    case 5:
      return { number, isMessage: false, length: tag.end + 4 };
    default:
      return null;
  }
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } | null {
  let value = 0;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 128 ** (at - start);
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return null;
}

/** Up to `length` bytes from `position` on; fewer at the end of the file. */
export async function readAt(
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
