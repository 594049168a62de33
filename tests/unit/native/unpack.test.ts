import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { type EmbeddedLibraries, FRAME_BYTES } from "../../../src/native/embedded.ts";
import {
  damagedLibraries,
  replaceDamaged,
  unpack,
  unpackedFolder,
} from "../../../src/native/unpack.ts";

const place = mkdtempSync(join(tmpdir(), "unpack-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

let folders = 0;
const newFolder = (): string => join(place, `${folders++}`);

/** Two frames, so that the second one must land in its place. */
const LARGE = new Uint8Array(FRAME_BYTES + 1000).map((_, n) => n >> 16);
const SMALL = new TextEncoder().encode("a small library");

/** Packs libraries as the build does. */
function pack(contents: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): EmbeddedLibraries {
  const packed = newFolder();
  mkdirSync(packed);
  const params = { [constants.ZSTD_c_checksumFlag]: 1 };
  const libraries = Object.entries(contents).map(([name, content]) => {
    const frames = Array.from({ length: Math.ceil(content.length / FRAME_BYTES) }, (_, n) => {
      const frame = join(packed, `${name}.${n}`);
      const part = content.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES);
      writeFileSync(frame, zstdCompressSync(part, { params }));
      return frame;
    });
    const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    return { name, bytes: content.length, sha256, frames };
  });
  return { key: "0123456789abcdef", libraries };
}

const embedded = pack({ "large.so": LARGE, "small.so": SMALL });

test("libraries are unpacked once, whole, for this user alone", async () => {
  const cache = newFolder();
  expect(unpackedFolder(embedded, [cache])).toBeNull();
  const folder = await unpack(embedded, [cache]);
  expect(folder).toBe(join(cache, "native-0123456789abcdef"));
  expect(Bun.hash(await Bun.file(join(folder, "large.so")).bytes())).toBe(Bun.hash(LARGE));
  expect(await Bun.file(join(folder, "small.so")).bytes()).toEqual(SMALL);
  expect(statSync(folder).mode & 0o077).toBe(0);
  const { ino } = statSync(join(folder, "large.so"));
  expect(await unpack(embedded, [cache])).toBe(folder);
  expect(statSync(join(folder, "large.so")).ino).toBe(ino);
  expect(unpackedFolder(embedded, [cache])).toBe(folder);
});

test("several that unpack at once share one folder and leave nothing else", async () => {
  const cache = newFolder();
  const found = await Promise.all([1, 2, 3].map(() => unpack(embedded, [cache])));
  expect(new Set(found).size).toBe(1);
  expect(readdirSync(cache)).toEqual(["native-0123456789abcdef"]);
  expect(readdirSync(join(cache, "native-0123456789abcdef")).sort()).toEqual([
    "large.so",
    "small.so",
  ]);
});

test("a folder with a cut or missing file is replaced", async () => {
  const cache = newFolder();
  const folder = await unpack(embedded, [cache]);
  truncateSync(join(folder, "large.so"), 10);
  rmSync(join(folder, "small.so"));
  expect(unpackedFolder(embedded, [cache])).toBeNull();
  expect(await unpack(embedded, [cache])).toBe(folder);
  expect(Bun.file(join(folder, "large.so")).size).toBe(LARGE.length);
  expect(readdirSync(cache)).toEqual(["native-0123456789abcdef"]);
});

test("a file that changed without changing its size is found on request", async () => {
  const folder = await unpack(embedded, [newFolder()]);
  expect(await damagedLibraries(embedded, folder)).toEqual([]);
  await Bun.write(join(folder, "small.so"), "A small library");
  expect(await damagedLibraries(embedded, folder)).toEqual(["small.so"]);
});

test("a damaged file is replaced, and processes that have opened the old one keep it", async () => {
  const cache = newFolder();
  const folder = await unpack(embedded, [cache]);
  const [large, small] = [join(folder, "large.so"), join(folder, "small.so")];
  await Bun.write(small, "A small library");
  const before = { large: statSync(large).ino, small: statSync(small).ino };
  await replaceDamaged(embedded, folder, ["small.so"]);
  expect(await damagedLibraries(embedded, folder)).toEqual([]);
  expect(statSync(large).ino).toBe(before.large);
  expect(statSync(small).ino).not.toBe(before.small);
  expect(readdirSync(cache)).toEqual(["native-0123456789abcdef"]);
});

test("a damaged binary is noticed, and nothing of it is left", async () => {
  const cache = newFolder();
  const broken = pack({ "large.so": LARGE });
  const frame = broken.libraries[0]?.frames[1] ?? "";
  const bytes = await Bun.file(frame).bytes();
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1; // in the checksum
  await Bun.write(frame, bytes);
  expect(await failure(unpack(broken, [cache]))).toContain("large.so in it cannot be decompressed");
  expect(readdirSync(cache)).toEqual([]);
});

test("the next folder is used where the first cannot be, and the error names both", async () => {
  const file = newFolder();
  writeFileSync(file, "");
  const cache = newFolder();
  const blocked = join(file, "cache");
  expect(await unpack(embedded, [blocked, cache])).toStartWith(cache);
  const message = await failure(unpack(embedded, [blocked, join(file, "other")]));
  expect(message).toContain("the native libraries (17 MB) cannot be unpacked");
  expect(message).toContain(`${blocked}: a part of the path is a file`);
  expect(message).toContain(join(file, "other"));
  expect(message).toContain("set XDG_CACHE_HOME to a writable folder");
});

test("code is never loaded from a folder that others may write to", async () => {
  const cache = newFolder();
  mkdirSync(cache);
  chmodSync(cache, 0o777);
  expect(await failure(unpack(embedded, [cache]))).toContain("others may write to it");
  chmodSync(cache, 0o700);
  await unpack(embedded, [cache]);
  chmodSync(cache, 0o777);
  expect(unpackedFolder(embedded, [cache])).toBeNull();
});

test("other versions are removed when they have not been used for a month", async () => {
  const cache = newFolder();
  const old = ["native-00000000000000aa", "native-00000000000000aa.x7Yz12"];
  const kept = ["native-00000000000000bb", "something-else"];
  for (const name of [...old, ...kept]) mkdirSync(join(cache, name), { recursive: true });
  const longAgo = new Date(Date.now() - 31 * 24 * 3600_000);
  for (const name of [...old, "something-else"]) utimesSync(join(cache, name), longAgo, longAgo);
  await unpack(embedded, [cache]);
  expect(readdirSync(cache).sort()).toEqual(["native-0123456789abcdef", ...kept].sort());
});

test("a version that starts counts as used", async () => {
  const cache = newFolder();
  const folder = await unpack(embedded, [cache]);
  const longAgo = new Date(Date.now() - 31 * 24 * 3600_000);
  utimesSync(folder, longAgo, longAgo);
  await unpack(embedded, [cache]);
  expect(Date.now() - statSync(folder).mtimeMs).toBeLessThan(60_000);
});

const testMounts = process.getuid?.() === 0 ? test : test.skip;

testMounts(
  "a folder on a file system without exec is named, and the next one is used",
  async () => {
    const disk = newFolder();
    mkdirSync(disk);
    const mount = (...args: string[]) => Bun.spawnSync(["mount", ...args, disk]).exitCode;
    if (mount("-t", "tmpfs", "-o", "mode=700", "tmpfs") !== 0) return; // a container that may not mount: tests/ship tries it, too
    try {
      await unpack(embedded, [disk]);
      expect(mount("-o", "remount,noexec")).toBe(0);
      expect(unpackedFolder(embedded, [disk])).toBeNull();
      expect(await failure(unpack(embedded, [disk]))).toContain(
        `${disk}: its file system is mounted noexec`,
      );
      const cache = newFolder();
      expect(await unpack(embedded, [disk, cache])).toStartWith(cache);
    } finally {
      Bun.spawnSync(["umount", disk]);
    }
  },
);

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "it did not fail",
    (error: unknown) => `${error}`,
  );
