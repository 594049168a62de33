/** Identifies files that are not ONNX models, such as web pages, checkpoints and cut downloads. */
import { basename } from "node:path";
import { describeDamage, readAt } from "./onnx-damage.ts";
import { formatBytes, openRegularFile } from "./regular-file.ts";

const HEAD_BYTES = 4096;

/** The beginning of a file. */
interface Head {
  readonly bytes: Uint8Array;
  /** The bytes as Latin-1, to search for names and magic numbers. */
  readonly raw: string;
  /** The same without a byte order mark and leading blanks. */
  readonly text: string;
  /** Of the whole file. */
  readonly size: number;
}

interface FileKind {
  readonly matches: (head: Head) => boolean;
  /** The predicate of a sentence about the file, with the way out. */
  readonly predicate: string | ((head: Head) => string);
}

const EXPORT = "export the network to ONNX (torch.onnx.export, or optimum-cli export onnx)";

/** The first that matches counts. */
const KINDS: readonly FileKind[] = [
  {
    matches: ({ size }) => size === 0,
    predicate: "is empty: download it again",
  },
  {
    matches: ({ bytes }) => bytes.every((byte) => byte === 0),
    predicate: "begins with nothing but zeros, as an unfinished download does: download it again",
  },
  {
    matches: ({ text }) => text.startsWith("version https://git-lfs.github.com/spec/"),
    predicate: ({ text }) => {
      const size = /^size (\d+)/m.exec(text)?.[1];
      const file = size === undefined ? "the model" : `a model of ${formatBytes(Number(size))}`;
      return `is a Git LFS pointer to ${file}: run "git lfs pull" where it was cloned, or download the file itself`;
    },
  },
  {
    matches: ({ text }) => /^(<!--.*?-->\s*)?<(!doctype html|html|head|body)\b/is.test(text),
    predicate: ({ text }) => {
      const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim().slice(0, 80);
      const named = title ? ` (${JSON.stringify(title)})` : "";
      return `is a web page${named}: download the file itself ("raw" on GitHub, /resolve/ for /blob/ on Hugging Face)`;
    },
  },
  {
    matches: ({ text }) => text.startsWith("<") && /<net\s[^>]*version=/.test(text),
    predicate: `is an OpenVINO model: use the ONNX file that it was converted from, or ${EXPORT}`,
  },
  {
    matches: ({ text }) => text.startsWith("<?xml") || /^<[A-Za-z]+[\s>]/.test(text),
    predicate: ({ text }) => {
      const message = /<(?:Message|Code)>([^<]{1,200})/.exec(text)?.[1];
      return message === undefined
        ? "is an XML text, not a model: download the file again"
        : `is a server's error message (${JSON.stringify(message)}): check the address, and whether it wants a login`;
    },
  },
  {
    matches: ({ text }) => /^[{[]/.test(text) && !text.includes("\0"),
    predicate: ({ text }) => {
      const message = /"(?:error|message|detail)"\s*:\s*"((?:[^"\\]|\\.){1,200})/.exec(text)?.[1];
      return message === undefined
        ? "is a JSON text, not a model: download the file again"
        : `is a server's error message ("${message}"): check the address, and whether it wants a login`;
    },
  },
  {
    matches: ({ text }) =>
      /^(not found|unauthorized|forbidden|access denied|invalid username|repository not found|entry not found|access to model)/i.test(
        text,
      ),
    predicate: ({ text }) =>
      `is a server's error message (${JSON.stringify(text.split("\n")[0]?.slice(0, 120))}): check the address, and whether it wants a login`,
  },
  {
    matches: ({ bytes, size }) => {
      if (bytes[8] !== 0x7b || bytes.length < 9) return false;
      const header = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
      return header >= 2n && header + 8n <= BigInt(size);
    },
    predicate: `is a safetensors checkpoint, which holds weights and no graph: ${EXPORT}`,
  },
  {
    // The names of the first entries of an archive that torch.save or torch.jit.save writes.
    matches: (head) =>
      isZip(head) &&
      /\/(data\.pkl|\.format_version|byteorder|\.data\/|constants\.pkl|code\/)/.test(head.raw),
    predicate: `is a PyTorch checkpoint (.pt, .pth, .ckpt), not an ONNX graph: ${EXPORT}`,
  },
  {
    matches: (head) => isZip(head) && /[^/]\.npy/.test(head.raw),
    predicate: `is an archive of NumPy arrays (.npz), which holds no graph: ${EXPORT}`,
  },
  {
    matches: (head) => isZip(head) && head.raw.includes("model.weights.h5"),
    predicate: "is a Keras model: convert it with tf2onnx",
  },
  {
    matches: (head) => isZip(head),
    predicate: 'is a ZIP archive: unpack it, or give the archive to "models add"',
  },
  {
    matches: ({ bytes }) => bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5,
    predicate: `is a pickled checkpoint (.pt, .pth, .ckpt, .pkl), not an ONNX graph: ${EXPORT}`,
  },
  {
    matches: startsWith("\x1f\x8b"),
    predicate: 'is compressed with gzip: unpack it, or give a .tgz archive to "models add"',
  },
  {
    matches: (head) =>
      [
        startsWith("BZh"),
        startsWith("\xfd7zXZ\0"),
        startsWith("\x28\xb5\x2f\xfd"),
        startsWith("7z\xbc\xaf"),
        startsWith("Rar!"),
      ].some((matches) => matches(head)) || head.raw.slice(257, 262) === "ustar",
    predicate: "is an archive: unpack it first",
  },
  {
    matches: isFlatbuffer("TFL3"),
    predicate:
      "is a TensorFlow Lite model: convert it with tf2onnx (python -m tf2onnx.convert --tflite)",
  },
  {
    matches: isFlatbuffer("ORTM"),
    predicate:
      "is a model in ONNX Runtime's own format (.ort): ONNX Runtime itself may load it, but its inputs and outputs cannot be read and adapted here; use the ONNX file that it was made from",
  },
  {
    matches: ({ raw }) => /^[fp]trt/.test(raw),
    predicate:
      "is a TensorRT engine, which runs on one kind of GPU only: use the ONNX file that it was built from (device tensorrt builds engines by itself)",
  },
  {
    matches: startsWith("\x89HDF\r\n"),
    predicate: "is an HDF5 file, such as Keras weights (.h5): convert the network with tf2onnx",
  },
  {
    matches: startsWith("GGUF"),
    predicate: `is a GGUF checkpoint: ${EXPORT}`,
  },
  {
    matches: ({ text }) => text.startsWith("7767517"),
    predicate:
      "is the parameter file of an ncnn model: use the ONNX file that it was converted from",
  },
  {
    // Field 1 of an ONNX file is a number; here it is a message, as in a TensorFlow GraphDef or a Paddle program.
    matches: ({ raw }) => /^\n.*(Placeholder|Const|NoOp)/s.test(raw),
    predicate:
      "is a TensorFlow graph (.pb): convert it with tf2onnx (python -m tf2onnx.convert --graphdef)",
  },
  {
    matches: ({ raw }) => /^\n.*\b(feed|fetch)\b/s.test(raw),
    predicate: "is a Paddle model: convert it with paddle2onnx",
  },
];

function startsWith(magic: string): (head: Head) => boolean {
  return ({ raw }) => raw.startsWith(magic);
}

/** A flatbuffer begins with a small offset, and its identifier follows. */
function isFlatbuffer(identifier: string): (head: Head) => boolean {
  return ({ raw }) => raw.slice(2, 8) === `\0\0${identifier}`;
}

function isZip({ raw }: Head): boolean {
  return raw.startsWith("PK\x03\x04") || raw.startsWith("PK\x05\x06");
}

/**
 * What the file is, as the predicate of a sentence with the way out (`is a web page: download the file itself`); null
 * for a file that may be an ONNX model. Reads some kilobytes, whatever the file's size. Throws `model_failed` where
 * the file cannot be read.
 */
export async function whatItIs(path: string): Promise<string | null> {
  await using file = await openRegularFile(path, basename(path), Number.MAX_SAFE_INTEGER);
  const bytes = await readAt(file.handle, 0, HEAD_BYTES);
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const text = raw.replace(/^\xef\xbb\xbf/, "").trimStart();
  const head = { bytes, raw, text, size: file.size };
  const kind = KINDS.find(({ matches }) => matches(head));
  if (kind !== undefined)
    return typeof kind.predicate === "string" ? kind.predicate : kind.predicate(head);
  return await describeDamage(file.handle, file.size);
}
