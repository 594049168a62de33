/** Files that are not ONNX models: each is named, with the way out. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whatItIs } from "../../../../src/engine/models/file-kind.ts";
import { GraphBuilder } from "../../../../src/engine/models/graph-builder.ts";
import { sharedData } from "../../../support/shared-data.ts";

const folder = mkdtempSync(join(tmpdir(), "file-kind-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function kindOf(content: string | Uint8Array): Promise<string | null> {
  const path = join(folder, `${files++}.onnx`);
  await Bun.write(path, content);
  return await whatItIs(path);
}

/** Bytes given as Latin-1 text. */
const bytes = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, "latin1"));
const zip = (...names: string[]): Uint8Array =>
  bytes(names.map((name) => `PK\x03\x04${"\0".repeat(26)}${name}`).join("data"));
const onnx = identity();

function identity(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, 3, "H", "W"]);
  graph.output("y", graph.node("Identity", [x]), "float32", [1, 3, "H", "W"]);
  return graph.build("identity");
}

function safetensors(header: string): Uint8Array {
  const content = new Uint8Array(8 + header.length + 16);
  new DataView(content.buffer).setBigUint64(0, BigInt(header.length), true);
  content.set(bytes(header), 8);
  return content;
}

const LFS = `version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12582912
`;

describe("a file is named:", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["empty", "", "is empty: download it again"],
    ["preallocated", new Uint8Array(500), "nothing but zeros"],
    ["Git LFS pointer", LFS, 'is a Git LFS pointer to a model of 12.0 MiB: run "git lfs pull"'],
    [
      "web page",
      "\n<!DOCTYPE html>\n<title>Sign in</title>",
      'is a web page ("Sign in"): download',
    ],
    ["web page after a comment", "<!-- x -->\n<HTML lang=en>", "is a web page: download"],
    [
      "XML error",
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
      '"AccessDenied"',
    ],
    ["OpenVINO", '<?xml version="1.0"?>\n<net name="m" version="11">', "is an OpenVINO model"],
    ["JSON error", '{"error": "Invalid username"}', `server's error message ("Invalid username")`],
    ["other JSON", '\ufeff[{"modelTopology": 1}]', "is a JSON text, not a model"],
    ["text error", "Repository not found", 'error message ("Repository not found")'],
    ["safetensors", safetensors('{"w":{"dtype":"F32"}}'), "is a safetensors checkpoint"],
    ["torch zip", zip("archive/data.pkl", "archive/data/0"), "is a PyTorch checkpoint"],
    ["TorchScript zip", zip("net/code/__torch__.py"), "is a PyTorch checkpoint"],
    ["pickle", bytes("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "is a pickled checkpoint"],
    ["NumPy", zip("weights.npy"), "NumPy arrays (.npz)"],
    ["Keras", zip("metadata.json", "model.weights.h5"), "is a Keras model"],
    ["HDF5", bytes("\x89HDF\r\n\x1a\n"), "is an HDF5 file"],
    ["ZIP", zip("candy/model.onnx"), "is a ZIP archive: unpack it"],
    ["gzip", Bun.gzipSync("x"), "is compressed with gzip"],
    ["tar", bytes(`model.onnx${"\0".repeat(247)}ustar\x0000`), "is an archive"],
    ["zstandard", bytes("\x28\xb5\x2f\xfd----"), "is an archive"],
    ["TensorFlow Lite", bytes("\x20\0\0\0TFL3----"), "is a TensorFlow Lite model"],
    ["ORT format", bytes("\x18\0\0\0ORTM----"), "ONNX Runtime itself may load it"],
    ["TensorRT", bytes("ftrt\0\0\0\0\xe8\0\0\0"), "is a TensorRT engine"],
    ["GGUF", bytes("GGUF\x03\0\0\0"), "is a GGUF checkpoint"],
    ["ncnn", "7767517\n75 83\nInput", "ncnn"],
    ["GraphDef", bytes("\x0a\x18\x0a\x05input\x12\x0bPlaceholder"), "is a TensorFlow graph (.pb)"],
    [
      "Paddle",
      bytes("\x0a\x10\x08\0\x1a\x0c\x0a\x04feed\x12\x04\x0a\x02\x08\x09"),
      "is a Paddle model",
    ],
    ["SavedModel", bytes("\x08\x01\x12\x03\x0a\x01\x0a"), "contains no ONNX graph"],
    ["program", bytes("\x7fELF\x02\x01\x01\0"), "is not an ONNX file"],
  ])("%s", async (_name, content, expected) => {
    expect(await kindOf(content)).toContain(expected);
  });
});

test("an ONNX file is none of these, with whatever field it begins", async () => {
  expect(await kindOf(onnx)).toBeNull();
  const producer = bytes("\x08\x08\x12\x06TFL3-x"); // the producer's name lies where a flatbuffer has its identifier
  expect(await kindOf(Buffer.concat([producer, onnx]))).toBeNull();
});

test("an ONNX file that is cut in its graph is called cut, with what is there and what is missing", async () => {
  const cut = await kindOf(onnx.subarray(0, onnx.length >> 1));
  expect(cut).toContain(`is cut short: ${onnx.length >> 1} bytes are there of at least`);
});

test("an ONNX file with garbage behind its graph is called damaged", async () => {
  expect(await kindOf(Buffer.concat([onnx, bytes("\xff\xff\xff")]))).toContain(
    "damaged behind its graph",
  );
});

test("a folder is refused as the catalogue refuses it", async () => {
  const failure = await whatItIs(folder).then(() => null, String);
  expect(failure).toContain("is a directory");
});

for (const name of ["multistyle26", "ch_PP-OCRv4_det_infer", "arbitrary_transform"]) {
  const path = sharedData(`models/trained/${name}.onnx`);
  test.skipIf(path === null)(`${name} is an ONNX file, and a part of it a cut one`, async () => {
    if (path === null) return;
    expect(await whatItIs(path)).toBeNull();
    const whole = await Bun.file(path).bytes();
    for (const share of [0.1, 0.5, 0.99]) {
      expect(await kindOf(whole.subarray(0, whole.length * share))).toContain("is cut short");
    }
  });
}
