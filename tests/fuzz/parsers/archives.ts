/** Fuzzes `models add` with archives: nothing is written outside the folder, and what is written is whole. */
import { lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { packTar } from "modern-tar";
import { archiveKind, openArchive } from "../../../src/workspace/archive/open-archive.ts";
import { CommandError } from "../../../src/workspace/failures.ts";
import { buildZip } from "../../support/zip-builder.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";

const { signal } = new AbortController();
const SILENT = { advance() {}, restart() {}, end() {} };
/** Archives of some kilobytes cannot unpack to more: deflate reaches 1032 times. */
const MAX_WRITTEN = 64 * 2 ** 20;

export const archives = defineTarget<Uint8Array>({
  name: "archives",
  inputs:
    "zip and tar archives with hostile names, kinds and sizes, damaged bytes, compressed and not",
  found: [
    {
      what: "names such as ., a//b and those longer than file systems take ended in an error of the file system",
      test: ["unit/workspace/archive.test.ts", "an archive with the entry"],
    },
    {
      what: "so did a file where another file had its folder",
      test: [
        "unit/workspace/archive.test.ts",
        "a file where another file has its folder is refused, in either order",
      ],
    },
  ],
  open: async () => {
    const root = await mkdtemp(join(tmpdir(), "fuzz-archives-"));
    return {
      inputs: await archiveBytes(),
      check: (bytes) => unpack(root, bytes),
      close: async () => await rm(root, { recursive: true }),
    };
  },
});

async function unpack(root: string, bytes: Uint8Array): Promise<void> {
  const [path, target] = [join(root, "archive"), join(root, "target")];
  await Bun.write(path, bytes);
  await mkdir(target);
  try {
    const kind = await archiveKind(path);
    if (kind === null) return;
    await using reader = await openArchive(path, kind, { label: "it", signal });
    const wanted = reader.files.map((file) => ({ file, to: join(target, file.path) }));
    await reader.extract(wanted, SILENT, signal);
    for (const { file, to } of wanted) {
      const { size } = await lstat(to);
      if (size !== file.size) throw new Error("a file of another size than was listed");
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.message.length > 2000) throw new Error("the refusal is endless");
  } finally {
    await checkTree(root, target);
    await rm(target, { recursive: true });
  }
}

async function checkTree(root: string, target: string): Promise<void> {
  const beside = (await readdir(root)).filter((name) => name !== "archive" && name !== "target");
  if (beside.length > 0) throw new Error("files are written outside the folder");
  let written = 0;
  for (const name of await readdir(target, { recursive: true })) {
    const info = await lstat(join(target, name));
    if (!info.isFile() && !info.isDirectory()) throw new Error("a link or a device is written");
    written += info.isFile() ? info.size : 0;
  }
  if (written > MAX_WRITTEN) throw new Error("more is written than an archive of that size holds");
}

const NAMES = [
  ...["model.onnx", "a/model.onnx", "a/model.onnx/b", "a", "./a", "././a//b", "a//b", "a/./b", "/"],
  ...["../out", "a/../../out", "/out", "C:\\out", "..\\out", "a/..", "..", ".", "", "a\0b", "a\nb"],
  ...["a/", "../", "é", "🦊", "\u202e", "x".repeat(300), `${"a/".repeat(300)}b`, "CON", "~", "-rf"],
  "__MACOSX/._a",
];

const CONTENTS = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 1, max: 4_000_000 }).map((length) => new Uint8Array(length)),
);

async function archiveBytes(): Promise<fc.Arbitrary<Uint8Array>> {
  const content = Buffer.from("some content ".repeat(40));
  const zip = buildZip([
    { name: "a/", content: "" },
    { name: "a/model.onnx", content },
    { name: "b.txt", content: "text", method: "stored" },
  ]);
  const tar = await packTar([
    { header: { name: "a/model.onnx", size: content.length, type: "file" }, body: content },
    { header: { name: "b", size: 0, type: "directory" } },
  ]);
  const damagedTars = mutatedBytes([tar]).map(withChecksums);
  return fc.oneof(
    wildZips,
    wildTars,
    mutatedBytes([zip]),
    damagedTars,
    damagedTars.map((bytes) => Bun.gzipSync(bytes)),
    mutatedBytes([Bun.gzipSync(tar)]),
  );
}

const wildZips: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record(
      {
        name: fc.constantFrom(...NAMES),
        content: CONTENTS,
        method: fc.constantFrom("stored", "deflated"),
        mode: fc.constantFrom(0o100644, 0o120777, 0o040755, 0o060644, 0o010644, 0o140644, 0),
        crc: fc.constantFrom(0, 1),
        size: fc.constantFrom(0, 1, 4_000_000, 0xffff_fffe, 0xffff_ffff),
        bits: fc.constantFrom(0, 1, 8, 0x2000),
      },
      { requiredKeys: ["name", "content"] },
    ),
    { maxLength: 5 },
  )
  .map(buildZip);

const TYPES = fc.constantFrom(..."01234567xgLKSVD".split(""));

/** Made by hand: honest programs refuse to write most of them. */
const wildTars: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      content: fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        fc.constant(Buffer.from("30 path=../../out\n")),
      ),
      type: TYPES,
      size: fc.option(
        fc.constantFrom("00000000000", "77777777777", "-0000000001", "\x80\xff\xff\xff"),
        { nil: null },
      ),
    }),
    { maxLength: 5 },
  )
  .map((entries) =>
    Buffer.concat([
      ...entries.flatMap(({ name, content, type, size }) => {
        const header = Buffer.alloc(512);
        header.write(name.slice(0, 100), 0);
        header.write("0000644\0", 100);
        header.write(size ?? content.length.toString(8).padStart(11, "0"), 124, "latin1");
        header.write(type, 156);
        header.write("../../out", 157);
        header.write("ustar\x0000", 257, "latin1");
        return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
      }),
      Buffer.alloc(1024),
    ]),
  )
  .map(withChecksums);

/** With the checksums of all headers right, which damage would only break. */
function withChecksums(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const fixed = Uint8Array.from(bytes);
  for (let at = 0; at + 512 <= fixed.length; at += 512) {
    if (Buffer.from(fixed.subarray(at + 257, at + 262)).toString("latin1") !== "ustar") continue;
    fixed.fill(0x20, at + 148, at + 156);
    const sum = fixed.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    fixed.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `, "latin1"), at + 148);
  }
  return fixed;
}
