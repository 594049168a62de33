/** Reads the outline of an ONNX file (inputs, outputs, metadata) and skips its nodes and weights, whatever their size. */
import type { FileHandle } from "node:fs/promises";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { GraphProtoSchema, type ModelProto, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { WorkerError } from "../../errors.ts";
import { openRegularFile } from "./regular-file.ts";
import { parseGraph } from "./tensor-signature.ts";

/** A protobuf message, and so an ONNX file, is smaller than 2 GiB. */
export const MAX_ONNX_BYTES = 2 ** 31 - 1;

/** An outline is some kilobytes; a file with more than this is not worth listing. */
const MAX_OUTLINE_BYTES = 16 * 2 ** 20;
const CHUNK_BYTES = 64 * 2 ** 10;
/** A tag and a length. */
const MAX_HEADER_BYTES = 20;

/** Fields of a message, by number: copied whole, or copied in part. All others are skipped. */
interface Selection {
  readonly [field: number]: "whole" | Selection;
}

const { name, dataLocation } = TensorProtoSchema.field;
const INITIALIZER: Selection = { [name.number]: "whole", [dataLocation.number]: "whole" };

const { initializer, input, output } = GraphProtoSchema.field;
const GRAPH: Selection = {
  [initializer.number]: INITIALIZER,
  [input.number]: "whole",
  [output.number]: "whole",
};

const { graph, opsetImport, metadataProps } = ModelProtoSchema.field;
const MODEL: Selection = {
  [graph.number]: GRAPH,
  [opsetImport.number]: "whole",
  [metadataProps.number]: "whole",
};

/**
 * The model in an ONNX file without its nodes and weights: enough for `signatureOf`. Reads in small asynchronous
 * steps, so that a file of 2 GB occupies no thread. Throws `model_failed` for files that are not ONNX, are cut
 * short, or are not regular files.
 *
 * @param label how error messages name the file
 */
export async function readOnnxOutline(path: string, label: string): Promise<ModelProto> {
  await using file = await openRegularFile(path, label, MAX_ONNX_BYTES);
  const reader = new ForwardReader(file.handle, file.size);
  return parseGraph(await copySelected(reader, file.size, MODEL));
}

/** Copies the selected fields of the message that lies between the reader's position and `end`. */
async function copySelected(
  reader: ForwardReader,
  end: number,
  selection: Selection,
): Promise<Uint8Array> {
  const writer = new BinaryWriter();
  while (reader.position < end) {
    await reader.prefetch();
    const tag = reader.varint();
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (field === 0) throw notOnnx();
    const selected = selection[field];
    if (wireType === WireType.LengthDelimited) {
      const length = reader.varint();
      if (reader.position + length > end) throw cutShort();
      if (selected === undefined) {
        reader.skip(length);
        continue;
      }
      const content =
        selected === "whole"
          ? await reader.bytes(length)
          : await copySelected(reader, reader.position + length, selected);
      writer.tag(field, WireType.LengthDelimited).bytes(content);
    } else if (wireType === WireType.Varint) {
      const value = reader.varint();
      if (selected !== undefined) writer.tag(field, WireType.Varint).uint64(value);
    } else if (wireType === WireType.Bit32 || wireType === WireType.Bit64) {
      reader.skip(wireType === WireType.Bit32 ? 4 : 8);
    } else {
      throw notOnnx();
    }
  }
  if (reader.position > end) throw cutShort();
  return writer.finish();
}

/** Reads a file from its beginning to its end in chunks; what is skipped is not read. */
class ForwardReader {
  /** Of the next byte, in the file. */
  position = 0;
  readonly #handle: FileHandle;
  readonly #size: number;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Where the chunk begins in the file. */
  #start = 0;
  #copied = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
  }

  /** Makes a tag and its length available to `varint`. */
  async prefetch(): Promise<void> {
    const wanted = Math.min(this.position + MAX_HEADER_BYTES, this.#size);
    const available = this.#start + this.#chunk.length;
    if (this.position >= this.#start && wanted <= available) return;
    const length = Math.min(CHUNK_BYTES, this.#size - this.position);
    this.#chunk = await this.#read(length);
    this.#start = this.position;
  }

  /** A base-128 number, of which the bits beyond 2⁵³ may be rounded. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#chunk[this.position - this.#start];
      if (byte === undefined) throw cutShort();
      this.position++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw notOnnx();
  }

  skip(length: number): void {
    this.position += length;
  }

  async bytes(length: number): Promise<Uint8Array> {
    this.#copied += length;
    if (this.#copied > MAX_OUTLINE_BYTES) throw notOnnx();
    const from = this.position - this.#start;
    const content =
      from + length <= this.#chunk.length
        ? this.#chunk.slice(from, from + length)
        : await this.#read(length);
    this.position += length;
    return content;
  }

  async #read(length: number): Promise<Uint8Array> {
    const content = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#handle.read(content, at, length - at, this.position + at);
      if (bytesRead === 0) throw cutShort();
      at += bytesRead;
    }
    return content;
  }
}

const cutShort = (): WorkerError =>
  new WorkerError("model_failed", "the ONNX file is cut short: damaged, or still being written");

const notOnnx = (): WorkerError => new WorkerError("model_failed", "this is not an ONNX file");
