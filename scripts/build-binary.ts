/**
 * `bun run build [outfile]`: builds one binary for this platform, `dist/comfystream-byoc` by default. It contains node-av's
 * FFmpeg, which is built with GPL options, so the binary may be distributed only under GPLv3.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BunPlugin } from "bun";
import { bundlePlayground } from "../src/server/http/playground-bundle.ts";

const ROOT = join(import.meta.dir, "..");
const MODULES = join(ROOT, "node_modules");
const PLATFORM = `${process.platform}-${process.arch}`;
const ORT_FOLDER = join(MODULES, "onnxruntime-node/bin/napi-v6", process.platform, process.arch);

const outfile = process.argv[2] ?? join(ROOT, "dist/comfystream-byoc");
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
  plugins: [staticFfmpeg(), embeddedOnnxRuntime(), bundledPlayground()],
  throw: false,
});
for (const log of logs) console.error(`${log}`);
if (!success) process.exit(1);
const megabytes = Math.round(Bun.file(outfile).size / 1e6);
console.log(`${outfile}: ${megabytes} MB in ${Math.round(performance.now() - begun)} ms`);

/** node-av computes the name of its addon; the binary has only one. */
function staticFfmpeg(): BunPlugin {
  return {
    name: "static-ffmpeg",
    setup(build) {
      build.onLoad({ filter: /node-av\/dist\/lib\/binding\.js$/ }, async ({ path }) => ({
        contents: replaceOnce(
          await Bun.file(path).text(),
          /const bindings = loadBinding\(\);/g,
          `const bindings = require("@seydx/node-av-${PLATFORM}/node-av.node");`,
        ),
        loader: "js",
      }));
    },
  };
}

/** onnxruntime-node computes its addon's path, and the addon needs libonnxruntime beside it as a real file. */
function embeddedOnnxRuntime(): BunPlugin {
  const name = "onnxruntime-addon";
  return {
    name: "embedded-onnxruntime",
    setup(build) {
      build.onLoad({ filter: /onnxruntime-node\/dist\/binding\.js$/ }, async ({ path }) => ({
        contents: replaceOnce(
          await Bun.file(path).text(),
          /require\(`[^`]*onnxruntime_binding\.node`\)/g,
          `require("${name}").binding`,
        ),
        loader: "js",
      }));
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: name }));
      build.onLoad({ filter: /.*/, namespace: name }, async () => {
        const files = await readdir(ORT_FOLDER);
        const paths = files.map((file) => join(ORT_FOLDER, file));
        const hash = new Bun.CryptoHasher("sha256");
        for (const path of paths) hash.update(await Bun.file(path).bytes());
        const imports = paths.map(
          (path, i) => `import file${i} from ${JSON.stringify(path)} with { type: "file" };`,
        );
        const table = files.map((file, i) => `${JSON.stringify(file)}: file${i}`);
        return {
          contents: [
            `import { loadAddon } from ${JSON.stringify(join(ROOT, "scripts/lib-embedded-addon.ts"))};`,
            ...imports,
            `const embedded = { name: "onnxruntime-${hash.digest("hex").slice(0, 16)}", files: { ${table.join(", ")} } };`,
            `export const binding = loadAddon("onnxruntime_binding.node", embedded);`,
          ].join("\n"),
          loader: "js",
        };
      });
    },
  };
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
