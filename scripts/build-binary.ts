/**
 * `bun run build [outfile] [--lib]`: builds one binary for this platform, `dist/comfystream-byoc` by default. With `--lib`, its
 * native libraries are files in `lib/` beside it, as an image wants them: nothing is unpacked at run time. node-av's FFmpeg is
 * built with GPL options, so what is built may be distributed only under GPLv3.
 */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { BunPlugin } from "bun";
import { bundlePlayground } from "../src/server/http/playground-bundle.ts";

const ROOT = join(import.meta.dir, "..");
const MODULES = join(ROOT, "node_modules");
const { platform, arch } = process;
const LOADER = join(ROOT, "scripts/lib-embedded-addon.ts");

/** A package that computes its addon's path at run time, which a bundler cannot follow. */
interface NativePackage {
  readonly name: string;
  /** The addon, and the libraries that it needs beside it. */
  readonly folder: string;
  readonly addon: string;
  /** The file that loads the addon, and the expression in it that does. */
  readonly loadedBy: RegExp;
  readonly expression: RegExp;
}

const NATIVE: readonly NativePackage[] = [
  {
    name: "node-av",
    folder: join(MODULES, `@seydx/node-av-${platform}-${arch}`),
    addon: "node-av.node",
    loadedBy: /node-av\/dist\/lib\/binding\.js$/,
    expression: /(?<=const bindings = )loadBinding\(\)(?=;)/g,
  },
  {
    name: "onnxruntime",
    folder: join(MODULES, "onnxruntime-node/bin/napi-v6", platform, arch),
    addon: "onnxruntime_binding.node",
    loadedBy: /onnxruntime-node\/dist\/binding\.js$/,
    expression: /require\(`[^`]*onnxruntime_binding\.node`\)/g,
  },
];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { lib: { type: "boolean", default: false } },
});
const outfile = positionals[0] ?? join(ROOT, "dist/comfystream-byoc");
const begun = performance.now();
// Done first: a Bun.build inside a plugin of another Bun.build never ends.
const page = await bundlePlayground();
const { success, logs } = await Bun.build({
  // A worker is an entry point of its own. Main's bundle loads it by a path relative to itself, so all must be in one
  // folder here.
  entrypoints: [
    join(ROOT, "src/main.ts"),
    join(ROOT, "src/engine/device/worker.ts"),
    join(ROOT, "src/engine/prompts/prompt-worker.ts"),
  ],
  naming: { entry: "[name].[ext]" },
  compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  plugins: [...NATIVE.map(nativeAddon), bundledPlayground()],
  throw: false,
});
for (const log of logs) console.error(`${log}`);
if (!success) process.exit(1);
if (flags.lib) await copyLibraries(join(dirname(outfile), "lib"));
const megabytes = Math.round(Bun.file(outfile).size / 1e6);
console.log(`${outfile}: ${megabytes} MB in ${Math.round(performance.now() - begun)} ms`);

/** Replaces the package's own search for its addon. */
function nativeAddon({ name, folder, addon, loadedBy, expression }: NativePackage): BunPlugin {
  const module = `native-${name}`;
  return {
    name: module,
    setup(build) {
      build.onLoad({ filter: loadedBy }, async ({ path }) => ({
        contents: replaceOnce(
          await Bun.file(path).text(),
          expression,
          `require("${module}").binding`,
        ),
        loader: "js",
      }));
      build.onResolve({ filter: new RegExp(`^${module}$`) }, () => ({
        path: module,
        namespace: module,
      }));
      build.onLoad({ filter: /.*/, namespace: module }, async () => {
        const paths = flags.lib ? [] : await libraries(folder);
        const hash = new Bun.CryptoHasher("sha256");
        for (const path of paths) hash.update(await Bun.file(path).bytes());
        const imports = paths.map(
          (path, i) => `import file${i} from ${JSON.stringify(path)} with { type: "file" };`,
        );
        const table = paths.map((path, i) => `${JSON.stringify(basename(path))}: file${i}`);
        return {
          contents: [
            `import { loadAddon } from ${JSON.stringify(LOADER)};`,
            ...imports,
            `const embedded = { name: "${name}-${hash.digest("hex").slice(0, 16)}", files: { ${table.join(", ")} } };`,
            `export const binding = loadAddon("${addon}", embedded);`,
          ].join("\n"),
          loader: "js",
        };
      });
    },
  };
}

async function copyLibraries(lib: string): Promise<void> {
  await mkdir(lib, { recursive: true });
  for (const { folder } of NATIVE)
    for (const path of await libraries(folder)) await copyFile(path, join(lib, basename(path)));
}

/** The addon of a package and the shared libraries beside it. */
async function libraries(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => /\.node$|\.so(\.|$)/.test(name)).map((name) => join(folder, name));
}

/** Bundles the playground now, because the binary does not contain its source. */
function bundledPlayground(): BunPlugin {
  return {
    name: "bundled-playground",
    setup(build) {
      build.onLoad({ filter: /server\/http\/playground-bundle\.ts$/ }, () => ({
        contents: `export const playgroundPage = async () => ${JSON.stringify(page)};`,
        loader: "js",
      }));
    },
  };
}

/** Fails the build, rather than the binary, if a new version of a package looks different. */
function replaceOnce(source: string, found: RegExp, by: string): string {
  if (source.match(found)?.length !== 1)
    throw new Error(`${found} is not there exactly once: see how the package loads its addon now`);
  return source.replace(found, () => by);
}
