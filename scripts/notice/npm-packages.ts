/** Lists the npm packages whose code is in the binary, as the bundler sees it, with their licences. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleSettings, PLAYGROUND, playgroundPage } from "../build/bundle.ts";

const ROOT = join(import.meta.dir, "../..");

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** A home page or a repository. */
  readonly url: string;
  /** Its folder below node_modules. */
  readonly folder: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly homepage?: string;
  readonly repository?: string | { readonly url?: string };
}

/** Sorted by name. Throws where a package names no licence. */
export async function npmPackages(): Promise<NpmPackage[]> {
  const folders = new Set<string>();
  for (const input of await bundledFiles()) {
    // Packages within packages count on their own.
    const [, folder] = /.*(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (folder !== undefined)
      folders.add(input.slice(0, input.lastIndexOf(folder) + folder.length));
  }
  const packages = await Promise.all([...folders].map((folder) => readPackage(folder)));
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The package's own licence files, in full. */
export async function licenseTexts({ folder }: NpmPackage): Promise<string[]> {
  const names = (await readdir(join(ROOT, folder))).filter((name) =>
    /^(licen[cs]e|copying|notice)/i.test(name),
  );
  return await Promise.all(names.sort().map((name) => Bun.file(join(ROOT, folder, name)).text()));
}

async function bundledFiles(): Promise<string[]> {
  const outdir = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    const results = [
      await Bun.build({ ...bundleSettings([playgroundPage("")]), outdir, metafile: true }),
      await Bun.build({ entrypoints: [PLAYGROUND], target: "browser", outdir, metafile: true }),
    ];
    const files = results.flatMap(({ metafile }) => Object.values(metafile?.outputs ?? {}));
    // What the bundler drops as unused is not in the binary.
    const used = files.flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
        bytesInOutput > 0 ? [path] : [],
      ),
    );
    return [...new Set(used)].map((path) => path.replace(/^.*?(?=node_modules\/)/, ""));
  } finally {
    await rm(outdir, { recursive: true });
  }
}

async function readPackage(folder: string): Promise<NpmPackage> {
  const manifest = (await Bun.file(join(ROOT, folder, "package.json")).json()) as Manifest;
  const { name, version, repository } = manifest;
  if (manifest.license === undefined)
    throw new Error(
      `${name} names no licence in its package.json: read its files, and name it here`,
    );
  const license = manifest.license.replace(/^\((.*)\)$/, "$1");
  const source = typeof repository === "string" ? repository : repository?.url;
  const url =
    manifest.homepage ?? (source ? webAddress(source) : `https://www.npmjs.com/package/${name}`);
  return { name, version, license, url: url.replace(/#readme$/, ""), folder };
}

/** Manifests give repositories as git URLs of several kinds or as `owner/name`. */
function webAddress(repository: string): string {
  const path = repository.replace(/^.*github(\.com)?[:/]/, "").replace(/\.git$/, "");
  return path.includes("://") ? path.replace(/^git\+/, "") : `https://github.com/${path}`;
}
