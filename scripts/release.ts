/**
 * `bun run release [folder] [--level 1…22] [--target name…] [--without-image]`: makes `dist/release`: a binary for each target, the
 * image, checksums, bill of materials, notice, licences and notes; then runs this machine's binary in an empty Debian. Says what it
 * left out and why.
 */
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { $ } from "bun";
import manifest from "../package.json" with { type: "json" };
import { TARGETS } from "./build/native-packages.ts";
import { targetNamed } from "./build/target-parts.ts";
import { commandLine, compressionLevel } from "./command-line.ts";
import { npmPackages } from "./notice/npm-packages.ts";
import { checkInRoot } from "./release/check-in-root.ts";
import { noDockerDaemon, saveImage } from "./release/image.ts";
import { writeLicenses } from "./release/licenses.ts";
import { releaseNotes } from "./release/notes.ts";
import { renderSbom } from "./release/sbom.ts";

const USAGE =
  "usage: bun run release [folder] [--level 19] [--target linux-x64|linux-arm64]… [--without-image]";
const ROOT = join(import.meta.dir, "..");
const { name, version } = manifest;

const { folder, level, targets, withoutImage } = commandLine("release", USAGE, asked);
const notes = releaseNotes(await Bun.file(join(ROOT, "CHANGELOG.md")).text(), version);
const noDaemon = withoutImage ? null : await noDockerDaemon();
if (noDaemon !== null) giveUp(noDaemon);
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

const inFolder = (suffix: string): string => join(folder, `${name}-${version}${suffix}`);
for (const target of targets)
  await $`${process.execPath} ${join(ROOT, "scripts/build-binary.ts")} ${inFolder(`-${target}`)} --target ${target} --level ${level}`;

const packages = await npmPackages();
await Bun.write(inFolder(".cdx.json"), renderSbom(packages));
await Bun.write(join(folder, "NOTES.md"), notes);
await writeLicenses(join(folder, "licenses"), packages);
for (const file of ["LICENSE", "NOTICE.md"]) await copyFile(join(ROOT, file), join(folder, file));
const noImage = withoutImage ? null : await saveImage(ROOT, version, inFolder("-image.tar.gz"));
if (noImage !== null) giveUp(noImage);
console.log(withoutImage ? "image: left out (--without-image)" : "image: ok");

await Bun.write(join(folder, "SHA256SUMS"), await checksums());
const own = inFolder(`-${process.platform}-${process.arch}`);
const unchecked = (await Bun.file(own).exists())
  ? await checkInRoot(own)
  : "no binary for this machine";
console.log(
  unchecked === null
    ? "check in an empty Debian: ok"
    : `check in an empty Debian: left out (${unchecked})`,
);
console.log(folder);

function asked() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      level: { type: "string", default: "19" },
      target: { type: "string", multiple: true, default: TARGETS.map((target) => target.name) },
      "without-image": { type: "boolean", default: false },
    },
  });
  return {
    folder: resolve(positionals[0] ?? join(ROOT, "dist/release")),
    level: compressionLevel(values.level),
    targets: values.target.map((target) => targetNamed(target).name),
    withoutImage: values["without-image"],
  };
}

function giveUp(noImage: string): never {
  console.error(`the release has no image: ${noImage}; --without-image makes a release without it`);
  process.exit(1);
}

/** Of all files but itself, in the form that `sha256sum --check` reads. */
async function checksums(): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines: string[] = [];
  for (const file of files) {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
    const path = file.slice(folder.length + 1);
    if (basename(file) !== "SHA256SUMS") lines.push(`${hash.digest("hex")}  ${path}\n`);
  }
  return lines.join("");
}
