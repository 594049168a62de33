/** Reads ONNX files of any size in part: their outline (inputs, outputs, metadata), or everything but large weights. */
import type { FileHandle } from "node:fs/promises";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
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

/** A model without its large weights is some megabytes: nodes, names, small constants. */
const MAX_SKELETON_BYTES = 512 * 2 ** 20;
/** Weights up to this size are copied: ONNX infers shapes from small constants, which must be at hand for that. */
const SMALL_BYTES = 64 * 2 ** 10;

/** What becomes of a field: copied whole, copied in part, or replaced by a reference to its place in the file. */
type Treatment = "whole" | "reference" | Selection;

/** Fields of a message by number. All others are skipped, or treated as `rest` says. */
interface Selection {
  readonly [field: number]: Treatment;
  readonly rest?: "whole";
}

const { name, dataLocation, externalData } = TensorProtoSchema.field;
const INITIALIZER: Selection = {
  [name.number]: "whole",
  [dataLocation.number]: "whole",
  [externalData.number]: "whole",
};

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

const SKELETON: Selection = {
  rest: "whole",
  [graph.number]: {
    rest: "whole",
    [initializer.number]: { rest: "whole", [TensorProtoSchema.field.rawData.number]: "reference" },
  },
};

/**
 * The model in an ONNX file, whose large weights stay there: they become external data of the file itself, named
 * `location`, which ONNX Runtime maps into memory. Throws as `readOnnxOutline` does.
 *
 * @param location the file's name in the folder that the session is given
 */
export async function readOnnxSkeleton(
  path: string,
  label: string,
  location: string,
): Promise<ModelProto> {
  await using file = await openRegularFile(path, label, MAX_ONNX_BYTES);
  const reader = new ForwardReader(file.handle, file.size, MAX_SKELETON_BYTES);
  return parseGraph(await copySelected(reader, file.size, SKELETON, location));
}

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
  location = "",
): Promise<Uint8Array> {
  const writer = new BinaryWriter();
  while (reader.position < end) {
    await reader.prefetch();
    const tag = reader.varint();
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (field === 0) throw notOnnx();
    const selected = selection[field] ?? selection.rest;
    if (wireType === WireType.LengthDelimited) {
      const length = reader.varint();
      if (reader.position + length > end) throw cutShort();
      if (selected === undefined) {
        reader.skip(length);
        continue;
      }
      if (selected === "reference" && length > SMALL_BYTES) {
        writeReference(writer, location, reader.position, length);
        reader.skip(length);
        continue;
      }
      const content =
        selected === "whole" || selected === "reference"
          ? await reader.bytes(length)
          : await copySelected(reader, reader.position + length, selected, location);
      writer.tag(field, WireType.LengthDelimited).bytes(content);
    } else if (wireType === WireType.Varint) {
      const value = reader.varint();
      if (selected !== undefined) writer.tag(field, WireType.Varint).uint64(value);
    } else if (wireType === WireType.Bit32 || wireType === WireType.Bit64) {
      const length = wireType === WireType.Bit32 ? 4 : 8;
      if (selected === undefined) reader.skip(length);
      else writer.tag(field, wireType).raw(await reader.bytes(length));
    } else {
      throw notOnnx();
    }
  }
  if (reader.position > end) throw cutShort();
  return writer.finish();
}

/** The fields of a `TensorProto` that say where its data lies (onnx.proto, external_data). */
function writeReference(writer: BinaryWriter, location: string, offset: number, length: number) {
  const { key, value } = StringStringEntryProtoSchema.field;
  for (const [name, content] of Object.entries({ location, offset, length })) {
    writer.tag(externalData.number, WireType.LengthDelimited).fork();
    writer.tag(key.number, WireType.LengthDelimited).string(name);
    writer.tag(value.number, WireType.LengthDelimited).string(String(content));
    writer.join();
  }
  writer.tag(dataLocation.number, WireType.Varint).uint32(TensorProto_DataLocation.EXTERNAL);
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

  readonly #maxBytes: number;

  /** `maxBytes`: of what is copied in all. */
  constructor(handle: FileHandle, size: number, maxBytes = MAX_OUTLINE_BYTES) {
    this.#handle = handle;
    this.#size = size;
    this.#maxBytes = maxBytes;
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

  /** A base-128 number; bits beyond 2⁵³ may be rounded. */
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
    if (this.#copied > this.#maxBytes) throw notOnnx();
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
