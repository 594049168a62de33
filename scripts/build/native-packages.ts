/** Knows the two npm packages with native addons: where a platform's libraries lie, and which expression loads the addon. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BunPlugin } from "bun";

const LOADER = join(import.meta.dir, "../../src/native/load-addon.ts");

/** A platform that a binary can be built for, in npm's words. */
export interface Target {
  readonly name: string;
  readonly arch: "x64" | "arm64";
}

export const TARGETS: readonly Target[] = [
  { name: "linux-x64", arch: "x64" },
  { name: "linux-arm64", arch: "arm64" },
];

/** A package that computes its addon's path at run time, which a bundler cannot follow. */
interface NativePackage {
  readonly addon: string;
  /** The folder of the addon and of the libraries that it needs beside it, below node_modules. */
  readonly folder: (target: Target) => string;
  /** The file that loads the addon, and the expression in it that does. */
  readonly loadedBy: RegExp;
  readonly expression: RegExp;
}

const PACKAGES: readonly NativePackage[] = [
  {
    addon: "node-av.node",
    folder: ({ name }) => `@seydx/node-av-${name}`,
    loadedBy: /node-av\/dist\/lib\/binding\.js$/,
    expression: /(?<=const bindings = )loadBinding\(\)(?=;)/g,
  },
  {
    addon: "onnxruntime_binding.node",
    folder: ({ arch }) => `onnxruntime-node/bin/napi-v6/linux/${arch}`,
    loadedBy: /onnxruntime-node\/dist\/binding\.js$/,
    expression: /require\(`[^`]*onnxruntime_binding\.node`\)/g,
  },
];

/** The addons of all packages and the shared libraries beside them. */
export async function nativeLibraries(modules: string, target: Target): Promise<string[]> {
  const folders = PACKAGES.map(({ folder }) => join(modules, folder(target)));
  const paths = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  return paths.flat().filter((path) => /\.node$|\.so(\.|$)/.test(basename(path)));
}

/** Replaces the packages' own search for their addons. */
export function nativeAddons(): BunPlugin {
  return {
    name: "native-addons",
    setup(build) {
      for (const { addon, loadedBy, expression } of PACKAGES)
        build.onLoad({ filter: loadedBy }, async ({ path }) => ({
          contents: replaceOnce(
            await Bun.file(path).text(),
            expression,
            `require(${JSON.stringify(LOADER)}).loadAddon(${JSON.stringify(addon)})`,
          ),
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
