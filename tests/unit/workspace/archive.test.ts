/** What is read from archives, and which archives are refused. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { packTar } from "modern-tar";
import type { ArchiveReader } from "../../../src/workspace/archive/archive.ts";
import { archiveKind, openArchive } from "../../../src/workspace/archive/open-archive.ts";
import { CommandRun } from "../../support/command-run.ts";
import { buildZip, type ZipEntry } from "../../support/zip-builder.ts";

const { signal } = new AbortController();
const silent = { advance() {}, restart() {}, end() {} };
const CONTENT = new Uint8Array(100_000).map((_, at) => at % 251);

async function open(run: CommandRun, bytes: Uint8Array): Promise<ArchiveReader> {
  const path = run.path("archive");
  await Bun.write(path, bytes);
  const kind = await archiveKind(path);
  if (kind === null) throw new Error("not an archive");
  return await openArchive(path, kind, { label: "it.zip", signal });
}

type TarItem = { name: string; content?: Uint8Array; type?: "symlink" | "link" | "directory" };

const tar = (items: readonly TarItem[]): Promise<Uint8Array<ArrayBuffer>> =>
  packTar(
    items.map(({ name, content = new Uint8Array(), type = "file" as const }) => ({
      header: { name, size: content.length, type, ...(type.includes("link") && { linkname: "x" }) },
      ...(content.length > 0 && { body: content }),
    })),
  );

const ARCHIVES = {
  zip: async (content: Uint8Array) =>
    buildZip([
      { name: "a/", content: "" },
      { name: "a/my model.onnx", content },
      { name: "b.txt", content: "text", method: "stored" },
    ]),
  tar: async (content: Uint8Array) =>
    await tar([
      { name: "a/", type: "directory" },
      { name: "./a/my model.onnx", content },
      { name: "b.txt", content: new TextEncoder().encode("text") },
    ]),
  "tar.gz": async (content: Uint8Array) => Bun.gzipSync(await ARCHIVES.tar(content)),
};

for (const [kind, build] of Object.entries(ARCHIVES)) {
  test(`${kind}: files are listed with their sizes, and extracted as they were`, async () => {
    await using run = await CommandRun.create();
    await using reader = await open(run, await build(CONTENT));
    expect(reader.files).toEqual([
      { path: "a/my model.onnx", size: CONTENT.length },
      { path: "b.txt", size: 4 },
    ]);
    let written = 0;
    const counting = {
      ...silent,
      advance: (bytes: number) => {
        written += bytes;
      },
    };
    const wanted = reader.files.map((file, at) => ({ file, to: join(run.folder, "out", `${at}`) }));
    await reader.extract(wanted, counting, signal);
    expect(await Bun.file(run.path("out/0")).bytes()).toEqual(CONTENT);
    expect(await Bun.file(run.path("out/1")).text()).toBe("text");
    expect(written).toBe(CONTENT.length + 4);
  });

  test(`${kind}: an archive that is cut short is damaged`, async () => {
    await using run = await CommandRun.create();
    const bytes = await build(CONTENT);
    for (const length of [bytes.length - 30, bytes.length >> 1]) {
      const work = async () => {
        await using reader = await open(run, bytes.subarray(0, length));
        const wanted = reader.files.map((file) => ({ file, to: run.path("out") }));
        await reader.extract(wanted, silent, signal);
      };
      // The last 1024 bytes of a tar say nothing.
      if (kind === "tar" && length > bytes.length - 1024) continue;
      await expect(work()).rejects.toThrow(/damaged|cut short/);
    }
  });
}

const HOSTILE = [
  ["../evil.onnx", "leads out of it"],
  ["a/../../evil.onnx", "leads out of it"],
  ["/etc/evil.onnx", "an absolute path"],
  ["C:/evil.onnx", "an absolute path"],
  ["a\\evil.onnx", "a name with a backslash"],
  [".", "a bad path"],
  ["a//b.onnx", "a bad path"],
  ["a/./b.onnx", "a bad path"],
  ["é".repeat(130), "a bad path"],
  [`${"a/".repeat(40)}${"b/".repeat(24)}c`, "a bad path"],
] as const;

for (const [name, problem] of HOSTILE) {
  test(`an archive with the entry ${name.slice(0, 30)} is refused`, async () => {
    await using run = await CommandRun.create();
    const honest: ZipEntry = { name: "good.onnx", content: "x" };
    await expect(open(run, buildZip([honest, { name, content: "x" }]))).rejects.toThrow(
      // yauzl itself refuses some of them, in its own words.
      new RegExp(`${problem}|invalid|absolute`),
    );
    const bytes = await tar([{ name, content: new Uint8Array(1) }]);
    await expect(open(run, bytes)).rejects.toThrow(problem);
  });
}

test("links are refused, with the way out", async () => {
  await using run = await CommandRun.create();
  const zip = buildZip([{ name: "model.onnx", content: "/etc/passwd", mode: 0o120777 }]);
  await expect(open(run, zip)).rejects.toThrow(/a link: "model.onnx"; .*unpack it yourself/);
  for (const type of ["symlink", "link"] as const) {
    const bytes = await tar([{ name: "model.onnx", type }]);
    await expect(open(run, bytes)).rejects.toThrow('a link: "model.onnx"');
  }
});

test("two entries of one name are refused", async () => {
  await using run = await CommandRun.create();
  const twice = buildZip([
    { name: "m.onnx", content: "a" },
    { name: "./m.onnx", content: "b" },
  ]);
  await expect(open(run, twice)).rejects.toThrow("two files of the same name");
});

test("a file where another file has its folder is refused, in either order", async () => {
  await using run = await CommandRun.create();
  const file: ZipEntry = { name: "a", content: "x" };
  const inside: ZipEntry = { name: "a/b/m.onnx", content: "x" };
  for (const entries of [
    [file, inside],
    [inside, file],
  ])
    await expect(open(run, buildZip(entries))).rejects.toThrow("a file and a folder of the same");
});

test("zip: content with another checksum or size than stated is damaged, encrypted content is named", async () => {
  await using run = await CommandRun.create();
  for (const [lie, problem] of [
    [{ crc: 1 }, "its checksum is wrong"],
    [{ size: 50 }, "damaged"],
    [{ bits: 1 }, "is encrypted"],
  ] as const) {
    await using reader = await open(run, buildZip([{ name: "m.onnx", content: CONTENT, ...lie }]));
    const wanted = reader.files.map((file) => ({ file, to: run.path("out") }));
    await expect(reader.extract(wanted, silent, signal)).rejects.toThrow(problem);
  }
});

test("zip bombs are refused before anything is unpacked", async () => {
  await using run = await CommandRun.create();
  const bomb = buildZip([{ name: "m.onnx", content: CONTENT, size: 2 ** 31 }]);
  await expect(open(run, bomb)).rejects.toThrow("a zip bomb");
});

test("a gzip bomb ends the listing soon", async () => {
  await using run = await CommandRun.create();
  const zeros = new Uint8Array(2 ** 20);
  const header = (await tar([{ name: "m.onnx", content: new Uint8Array(1) }])).slice(0, 512);
  // The size field of the header: 4 GiB, so that the zeros are its content.
  header.set(new TextEncoder().encode("40000000000"), 124);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  const stream = new CompressionStream("gzip");
  const packed = new Response(stream.readable).bytes();
  const writer = stream.writable.getWriter();
  await writer.write(header);
  for (let i = 0; i < 1100; i++) await writer.write(zeros);
  await writer.close();
  await expect(open(run, await packed)).rejects.toThrow("a zip bomb");
});

test("files that are no archives have no kind, also gzip of something else than a tar", async () => {
  await using run = await CommandRun.create();
  for (const bytes of [new Uint8Array(), CONTENT, Bun.gzipSync(CONTENT), Bun.gzipSync("short")]) {
    await Bun.write(run.path("file"), bytes);
    expect(await archiveKind(run.path("file"))).toBeNull();
  }
});
