/**
 * Bundles the programs that tests start, into the given folder: `bun scripts/build/test-programs.ts dist/test-programs`. From
 * source, each start of a server and its engine parses 5 MB, which takes a second of CPU, hundreds of times in a check.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bundlePlayground } from "../../src/server/http/routes/playground-bundle.ts";
import { ENTRYPOINTS, playgroundPage } from "./bundle.ts";

const SUPPORT = join(import.meta.dir, "../../tests/support");

const [outdir] = Bun.argv.slice(2);
if (outdir === undefined) throw new Error("usage: bun scripts/build/test-programs.ts FOLDER");
await rm(outdir, { recursive: true, force: true });
await Bun.build({
  entrypoints: [...ENTRYPOINTS, join(SUPPORT, "fake-server.ts"), join(SUPPORT, "fake-engine.ts")],
  outdir,
  // Programs start workers and each other by the names of their sources.
  naming: { entry: "[name].ts" },
  target: "bun",
  splitting: true,
  sourcemap: "linked",
  // Packages that find their native addons by their own paths, and that tests replace functions of.
  external: ["node-av", "node-av/*", "onnxruntime-node"],
  plugins: [playgroundPage(await bundlePlayground())],
});
