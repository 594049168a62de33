/** Compresses the native libraries and embeds them in the binary, which unpacks them at its first start (src/native). */
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import type { BunPlugin } from "bun";
import { type EmbeddedLibrary, FRAME_BYTES } from "../../src/native/embedded.ts";

const compress = promisify(zstdCompress);

/** Where compressed libraries are kept, by content and level: the best level takes a minute. */
const CACHE = join(import.meta.dir, "../../node_modules/.cache/comfystream-byoc");

/** Replaces src/native/embedded.ts by a list of these libraries, which the bundler embeds. */
export async function embedLibraries(paths: readonly string[], level: number): Promise<BunPlugin> {
  const libraries: EmbeddedLibrary[] = [];
  for (const path of paths) libraries.push(await compressLibrary(path, level));
  const sums = libraries.map(({ name, sha256 }) => `${name} ${sha256}`);
  const key = new Bun.CryptoHasher("sha256").update(sums.join("\n")).digest("hex").slice(0, 16);
  const frames = libraries.flatMap((library) => library.frames);
  const imports = frames.map(
    (path, n) => `import frame${n} from ${JSON.stringify(path)} with { type: "file" };`,
  );
  const list = libraries.map(({ name, bytes, sha256, frames: own }) => {
    const names = own.map((path) => `frame${frames.indexOf(path)}`).join(", ");
    return `{ name: ${JSON.stringify(name)}, bytes: ${bytes}, sha256: "${sha256}", frames: [${names}] }`;
  });
  return {
    name: "embedded-libraries",
    setup(build) {
      build.onLoad({ filter: /src\/native\/embedded\.ts$/ }, () => ({
        contents: [
          ...imports,
          `export const FRAME_BYTES = ${FRAME_BYTES};`,
          `export const embedded = { key: "${key}", libraries: [${list.join(", ")}] };`,
        ].join("\n"),
        loader: "js",
      }));
    },
  };
}

async function compressLibrary(path: string, level: number): Promise<EmbeddedLibrary> {
  const content = await Bun.file(path).bytes();
  const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  const folder = join(CACHE, `${sha256}-${FRAME_BYTES}-${level}`);
  const frames = await Promise.all(
    Array.from({ length: Math.ceil(content.length / FRAME_BYTES) }, async (_, n) => {
      const frame = join(folder, `${basename(path)}.${n}.zst`);
      if (!(await Bun.file(frame).exists())) {
        const part = content.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES);
        await writeWhole(frame, await compress(part, { params: parameters(level) }));
      }
      return frame;
    }),
  );
  return { name: basename(path), bytes: content.length, sha256, frames };
}

const parameters = (level: number): Record<number, number> => ({
  [constants.ZSTD_c_compressionLevel]: level,
  [constants.ZSTD_c_checksumFlag]: 1,
});

/** Two builds may run at once. */
async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  try {
    await mkdir(join(path, ".."), { recursive: true });
    await Bun.write(fresh, content);
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}
