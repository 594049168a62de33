/** Makes a release as `bun run release` does, but quicker to compress, and looks at each of its files. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { nativeLibraries, TARGETS } from "../../scripts/build/native-packages.ts";
import { targetParts } from "../../scripts/build/target-parts.ts";
import { noBinary } from "../support/binary.ts";
import { noDebianRoot } from "../support/debian-root.ts";
import { runCommand } from "../support/run-command.ts";

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../..");
const folder = await mkdtemp(join(tmpdir(), "release-"));
const named = (suffix: string): string =>
  join(folder, `comfystream-byoc-${manifest.version}${suffix}`);
const testRelease = (name: string, body: () => Promise<void>) =>
  noBinary === null ? test(name, body) : test.skip(`${name} (${noBinary})`, body);

/** Of ELF headers. */
const MACHINES = { x64: 0x3e, arm64: 0xb7 } as const;

let printed = "";

beforeAll(async () => {
  if (noBinary !== null) return;
  const script = join(ROOT, "scripts/release.ts");
  // The image has a test of its own, with a daemon of its own.
  const flags = [folder, "--level", "9", "--without-image"];
  printed = await runCommand([process.execPath, script, ...flags]);
}, 600_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const machineOf = async (path: string): Promise<number> =>
  new DataView(await Bun.file(path).slice(0, 20).arrayBuffer()).getUint16(18, true);

testRelease("each target has a binary of its architecture, for glibc 2.28 and newer", async () => {
  for (const target of TARGETS) {
    const binary = named(`-${target.name}`);
    expect(await machineOf(binary)).toBe(MACHINES[target.arch]);
    expect(Bun.file(binary).size).toBeLessThan(200e6);
    const { modules, executable } = await targetParts(target);
    for (const file of [
      ...(await nativeLibraries(modules, target)),
      executable ?? process.execPath,
    ]) {
      expect(await machineOf(file)).toBe(MACHINES[target.arch]);
      const text = Buffer.from(await Bun.file(file).arrayBuffer()).toString("latin1");
      const versions = [...text.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      expect({ file, glibc: versions.length > 0 && Math.max(...versions) <= 28 }).toEqual({
        file,
        glibc: true,
      });
    }
  }
});

testRelease("the binary ran in an empty Debian, or the release says why it did not", async () => {
  const outcome = noDebianRoot === null ? "ok" : `left out (${noDebianRoot})`;
  expect(printed).toContain(`check in an empty Debian: ${outcome}`);
  expect(printed).toContain("image: left out (--without-image)");
});

testRelease("the checksums are those of all files", async () => {
  const sums = (await Bun.file(join(folder, "SHA256SUMS")).text()).trimEnd().split("\n");
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(sums.length).toBe(files.filter((entry) => entry.isFile()).length - 1);
  for (const line of sums) {
    const [sum = "", path = ""] = line.split("  ");
    const hash = new Bun.CryptoHasher("sha256");
    hash.update(await Bun.file(join(folder, path)).arrayBuffer());
    expect({ path, sum: hash.digest("hex") }).toEqual({ path, sum });
  }
});

testRelease("the bill of materials names the native parts and the packages", async () => {
  const sbom = await Bun.file(named(".cdx.json")).json();
  expect(sbom).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    metadata: { component: { name: "comfystream-byoc", version: manifest.version } },
  });
  const components = new Map<string, { version?: string; components?: { name: string }[] }>(
    sbom.components.map((one: { name: string }) => [one.name, one]),
  );
  expect(components.get("ONNX Runtime")?.version).toBe(manifest.dependencies["onnxruntime-node"]);
  expect(components.get("mp4box")).toMatchObject({
    purl: `pkg:npm/mp4box@${manifest.dependencies.mp4box}`,
    licenses: [{ license: { id: "BSD-3-Clause" } }],
  });
  expect(components.get("FFmpeg")).toMatchObject({
    licenses: [{ license: { id: "GPL-3.0-or-later" } }],
  });
  expect(components.get("FFmpeg")?.components?.map(({ name }) => name)).toContain("x264");
});

testRelease("notice, notes and the texts of the licences are there", async () => {
  const licenses = await readdir(join(folder, "licenses"));
  for (const id of ["GPL-3.0-or-later", "LGPL-2.1-or-later", "MIT", "BSD-3-Clause", "Apache-2.0"])
    expect(licenses).toContain(`${id}.txt`);
  expect(await Bun.file(join(folder, "licenses/GPL-3.0-or-later.txt")).text()).toContain(
    "Version 3, 29 June 2007",
  );
  expect(await Bun.file(join(folder, "licenses/npm/mp4box.txt")).text()).toContain("Copyright");
  const notice = await Bun.file(join(folder, "NOTICE.md")).text();
  expect(notice).toContain("## The binary is under the GPL, version 3 or later");
  expect(await Bun.file(join(folder, "NOTES.md")).text()).toStartWith(
    `# ${manifest.version}\n\n### `,
  );
});
