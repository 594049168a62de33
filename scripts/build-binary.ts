/**
 * `bun run build [outfile] [--lib] [--target linux-x64|linux-arm64] [--level 1…22]`: builds one binary,
 * `dist/comfystream-byoc` by default. `--level` is zstd's: 9 is quick to build, 19 is what a release uses. With `--lib`, its
 * native libraries are files in `lib/` beside it, as an image wants them: nothing is unpacked at run time. node-av's FFmpeg
 * is built with GPL options, so what is built may be distributed only under GPLv3.
 */
import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundlePlayground } from "../src/server/http/routes/playground-bundle.ts";
import { bundleSettings, playgroundPage } from "./build/bundle.ts";
import { embedLibraries } from "./build/embed-libraries.ts";
import { nativeLibraries } from "./build/native-packages.ts";
import { targetNamed, targetParts } from "./build/target-parts.ts";
import { commandLine, compressionLevel } from "./command-line.ts";

const USAGE = `usage: bun run build [outfile] [--lib] [--target linux-x64|linux-arm64] [--level 9]`;
const ROOT = join(import.meta.dir, "..");

const { lib, target, level, outfile } = commandLine("build", USAGE, asked);
const begun = performance.now();
const { modules, executable } = await targetParts(target);
const libraries = await nativeLibraries(modules, target);
// Done first: a Bun.build inside a plugin of another Bun.build never ends.
const page = await bundlePlayground();
await mkdir(dirname(outfile), { recursive: true });
// Source maps go into the binary, but Bun also writes them beside it.
const scratch = await mkdtemp(`${outfile}.`);
const built = join(scratch, basename(outfile));
const { success, logs } = await Bun.build({
  ...bundleSettings([
    playgroundPage(page),
    ...(lib ? [] : [await embedLibraries(libraries, level)]),
  ]),
  // Bytecode saves the parsing of 5 MB of source at each start of a process and of a model's thread; the source maps let stack
  // traces name our files and lines.
  format: "esm",
  bytecode: true,
  minify: { whitespace: true, syntax: true, identifiers: false },
  sourcemap: "linked",
  compile: {
    outfile: built,
    autoloadDotenv: false,
    autoloadBunfig: false,
    ...(executable === null ? {} : { executablePath: executable }),
  },
  throw: false,
});
for (const log of logs) console.error(`${log}`);
if (success) await rename(built, outfile);
await rm(scratch, { recursive: true });
if (!success) process.exit(1);
if (lib) await copyLibraries(join(dirname(outfile), "lib"));
const megabytes = Math.round(Bun.file(outfile).size / 1e6);
console.log(`${outfile}: ${megabytes} MB in ${Math.round(performance.now() - begun)} ms`);

async function copyLibraries(lib: string): Promise<void> {
  await mkdir(lib, { recursive: true });
  for (const path of libraries) await copyFile(path, join(lib, basename(path)));
}

function asked() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      lib: { type: "boolean", default: false },
      target: { type: "string", default: `${process.platform}-${process.arch}` },
      level: { type: "string", default: "9" },
    },
  });
  return {
    lib: values.lib,
    target: targetNamed(values.target),
    level: compressionLevel(values.level),
    outfile: resolve(positionals[0] ?? join(ROOT, "dist/comfystream-byoc")),
  };
}
