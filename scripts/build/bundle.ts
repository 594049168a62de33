/** Says what the binary's bundles are made of, for the build and for the lists of what is in them. */
import { join } from "node:path";
import type { BunPlugin } from "bun";
import { nativeAddons } from "./native-packages.ts";

const ROOT = join(import.meta.dir, "../..");

export const PLAYGROUND = join(ROOT, "src/playground/main.tsx");

/** The program: main and its workers. Main's bundle loads them by paths relative to itself, so all must be in one folder. */
export const ENTRYPOINTS = [
  "main.ts",
  "engine/device/worker.ts",
  "engine/prompts/prompt-worker.ts",
].map((path) => join(ROOT, "src", path));

/** Entry points and plugins of the binary. */
export function bundleSettings(plugins: readonly BunPlugin[]) {
  return {
    entrypoints: ENTRYPOINTS,
    naming: { entry: "[name].[ext]" },
    target: "bun" as const,
    plugins: [nativeAddons(), ...plugins],
  };
}

/** Puts the bundled playground in the binary, which does not contain its source. */
export function playgroundPage(page: string): BunPlugin {
  return {
    name: "bundled-playground",
    setup(build) {
      build.onLoad({ filter: /server\/http\/routes\/playground-bundle\.ts$/ }, () => ({
        contents: `export const playgroundPage = async () => ${JSON.stringify(page)};`,
        loader: "js",
      }));
    },
  };
}
