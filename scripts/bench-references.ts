/**
 * `bun run bench-references`: installs what benchmarks compare with, unless it is there, and prints versions and sizes. Programs of
 * Debian are only looked for. Exits with 1 if something is missing.
 */
import { Glob } from "bun";
import { PROGRAMS, programVersion } from "./bench/machine.ts";
import {
  findReference,
  installReference,
  PYTHON_REFERENCES,
  type PythonReference,
} from "./bench/python-references.ts";

const absent = PROGRAMS.filter((name) => programVersion(name) === null);
for (const name of PROGRAMS) print(name, programVersion(name) ?? "not installed");
if (absent.length > 0) console.log(`  apt-get install ${absent.join(" ")}`);

let failed = 0;
for (const reference of PYTHON_REFERENCES) {
  const { name, size } = reference;
  if (findReference(reference).kind !== "installed") print(name, `installing ${size} from PyPI`);
  const made = installReference(reference);
  if (made.kind === "installed") describe(reference, made.folder);
  else {
    failed++;
    print(name, `not installed: ${made.why}`);
  }
}
process.exit(absent.length + failed > 0 ? 1 : 0);

function print(name: string, text: string): void {
  console.log(`${name.padEnd(10)}${text}`);
}

function describe({ name, version, packages }: PythonReference, folder: string): void {
  const infos = [...new Glob("*.dist-info/METADATA").scanSync(folder)];
  print(name, `${version}, ${infos.length} packages, ${megabytes(folder)} MB in ${folder}`);
  // As they are installed: the version of PyTorch says whether it is the build for CPUs.
  const pinned = packages.flat().flatMap((argument) => argument.match(/^[\w-]+(?===)/) ?? []);
  const versions = infos.flatMap((path) => {
    const [distribution = "", its = ""] = path.replace(".dist-info/METADATA", "").split("-");
    const found = pinned.find((one) => one.replaceAll("-", "_") === distribution);
    return found === undefined || found === name ? [] : [`${found} ${its}`];
  });
  if (versions.length > 0) console.log(`  with ${versions.toSorted().join(", ")}`);
}

function megabytes(folder: string): number {
  const { stdout } = Bun.spawnSync(["du", "-sk", folder]);
  return Math.round(Number.parseInt(stdout.toString(), 10) / 1024);
}
