/** Drives the product as one binary: everything that it does comes from inside the file. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, copyFile, link, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryPlace, buildBinary, noBinary } from "../support/binary.ts";
import { leftBehind, travel } from "../support/binary-journey.ts";
import { runCommand } from "../support/run-command.ts";
import { sharedData } from "../support/shared-data.ts";

setDefaultTimeout(120_000);

const folder = await mkdtemp(join(tmpdir(), "binary-"));
const binary = join(folder, "comfystream-byoc");
const isRoot = process.getuid?.() === 0;

const skippable = (missing: string | null) => (name: string, body: () => Promise<void>) =>
  missing === null ? test(name, body) : test.skip(`${name} (${missing})`, body);
const testBinary = skippable(noBinary);
const testMounts = skippable(noBinary ?? (isRoot ? null : "needs root, for mounts"));

beforeAll(async () => {
  if (noBinary !== null) return;
  await buildBinary(binary);
  await chmod(folder, 0o755);
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

testBinary(
  "without privileges, in a read-only folder, it draws and restyles, outlives its engine, and drains",
  async () => {
    await using place = await BinaryPlace.create(binary);
    await travel(place, sharedData("models/trained/multistyle26.onnx"));
    expect(await leftBehind(place)).toEqual([]);
    expect(await readdir(place.empty)).toEqual([]);
  },
);

testBinary("it prints its version and those of its native parts", async () => {
  await using place = await BinaryPlace.create(binary);
  const { out, code } = await place.run(["--version"]);
  const [version, ...parts] = out.trimEnd().split("\n");
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(parts).toContain(`  Bun ${Bun.version} (MIT)`);
  expect(parts.join()).toMatch(/FFmpeg \S+ \(GPL-3.*ONNX Runtime \S+ \(MIT\).*x264.*mp4box/);
  expect(code).toBe(0);
  expect(await readdir(place.home)).toEqual([]); // nothing is unpacked for this
});

testBinary("two that start at once unpack one copy, which the next start uses", async () => {
  await using place = await BinaryPlace.create(binary);
  await Promise.all([place.serve(), place.serve()]);
  const cache = join(place.home, ".cache/comfystream-byoc");
  const [name = "", ...others] = await readdir(cache);
  expect(others).toEqual([]);
  const libraries = await readdir(join(cache, name));
  expect(libraries.sort()).toEqual([
    "libonnxruntime.so.1",
    "node-av.node",
    "onnxruntime_binding.node",
  ]);
  const before = await stat(join(cache, name, "node-av.node"));
  await place.serve();
  expect((await stat(join(cache, name, "node-av.node"))).ino).toBe(before.ino);
});

testBinary("with no folder to unpack to it says so in plain words", async () => {
  await using place = await BinaryPlace.create(binary);
  const { err, code } = await place.run(["server"], { HOME: place.empty, TMPDIR: place.empty });
  expect(err).toContain("the native libraries (222 MB) cannot be unpacked");
  expect(err).toContain(`${place.empty}/.cache/comfystream-byoc: `);
  expect(err).toContain("set XDG_CACHE_HOME");
  expect(err).not.toContain("    at ");
  expect(code).toBe(1);
});

testMounts("a full disk, and one that no code may be loaded from, are named", async () => {
  await using place = await BinaryPlace.create(binary);
  const disk = join(place.home, "disk");
  const env = { XDG_CACHE_HOME: disk, TMPDIR: disk };
  await mkdir(disk);
  await runCommand(["mount", "-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", disk]);
  try {
    const full = await place.run(["server"], env);
    expect(full.err).toContain(`${disk}/comfystream-byoc: the disk is full`);
    expect(full.err).not.toContain("    at ");
    expect(full.code).toBe(1);
    expect(await readdir(join(disk, "comfystream-byoc"))).toEqual([]);

    await runCommand(["mount", "-o", "remount,size=512m,noexec", disk]);
    const noexec = await place.run(["server"], env);
    expect(noexec.err).toContain(`${disk}/comfystream-byoc: its file system is mounted noexec`);
    expect(noexec.err).toContain("set XDG_CACHE_HOME");
    expect(noexec.code).toBe(1);
  } finally {
    await runCommand(["umount", disk]);
  }
});

testBinary(
  "GPU providers are looked for in ORT_LIB_DIR and in lib/ beside the binary",
  async () => {
    await using place = await BinaryPlace.create(binary);
    const provider = "libonnxruntime_providers_shared.so";
    const [asked, beside] = [join(place.folder, "providers"), join(place.folder, "lib")];
    await mkdir(asked);
    await Bun.write(join(asked, provider), "not a library");
    const loads = async (program: string, env: Record<string, string>) => {
      // The dynamic linker's own log of what it opens.
      const log = join(place.home, "linker");
      const trace = { LD_DEBUG: "files", LD_DEBUG_OUTPUT: log };
      const own = await BinaryPlace.create(program);
      await using _own = own;
      const { out, code } = await own.run(["doctor", "--device", "cuda"], {
        ...env,
        ...trace,
        HOME: place.home,
      });
      expect(out).toMatch(/^native libraries: \S+: ok$/m);
      expect(code).toBe(1);
      const logs = (await readdir(place.home)).filter((name) => name.startsWith("linker"));
      const lines = await Promise.all(logs.map((name) => Bun.file(join(place.home, name)).text()));
      for (const name of logs) await rm(join(place.home, name));
      return /file=(\S+)\/libonnxruntime_providers_shared\.so/.exec(lines.join("\n"))?.[1] ?? "";
    };
    const found = await loads(binary, { ORT_LIB_DIR: asked });
    expect(found).toStartWith(`${place.home}/.cache/comfystream-byoc/onnxruntime-`);
    expect(await Bun.file(join(found, provider)).text()).toBe("not a library");

    await mkdir(beside);
    await copyFile(join(asked, provider), join(beside, provider));
    const copy = join(place.folder, "program");
    await link(binary, copy);
    const besideIt = await loads(copy, {});
    expect(besideIt).toStartWith(`${place.home}/.cache/comfystream-byoc/onnxruntime-`);
    expect(besideIt).not.toBe(found);

    const wrong = await place.run(["server"], { ORT_LIB_DIR: place.empty });
    expect(wrong.err).toContain("ORT_LIB_DIR names a folder without libonnxruntime*.so");
    expect(wrong.code).toBe(2);
  },
);

testBinary("built with --lib it finds its libraries beside it and unpacks none", async () => {
  const place = await BinaryPlace.create(join(folder, "with-lib/program"));
  await using _place = place;
  await mkdir(join(folder, "with-lib"));
  await buildBinary(place.binary, "--lib");
  expect(Bun.file(place.binary).size).toBeLessThan(Bun.file(binary).size - 50e6);
  const { out, code } = await place.run(["doctor", "--device", "cpu"]);
  expect(out).toContain("device cpu: ok");
  expect(code).toBe(0);
  expect(existsSync(join(place.home, ".cache"))).toBe(false);

  await rm(join(folder, "with-lib/lib/node-av.node"));
  const broken = await place.run(["doctor"]);
  expect(broken.err).toContain(`${join(folder, "with-lib/lib/node-av.node")} is missing`);
  expect(broken.code).toBe(1);
});
