/** Says what the binary's bundles are made of, for the build and for the lists of what is in them. */
import { join } from "node:path";
import type { BunPlugin } from "bun";
import { nativeAddons } from "./native-packages.ts";

const ROOT = join(import.meta.dir, "../..");

export const PLAYGROUND = join(ROOT, "src/playground/main.tsx");

/**
 * Entry points and plugins. A worker is an entry point of its own: main's bundle loads it by a path relative to itself, so
 * all must be in one folder.
 */
export function bundleSettings(plugins: readonly BunPlugin[]) {
  return {
    entrypoints: [
      join(ROOT, "src/main.ts"),
      join(ROOT, "src/engine/device/worker.ts"),
      join(ROOT, "src/engine/prompts/prompt-worker.ts"),
    ],
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
