/** The references of benchmarks that come from PyPI: their packages, their installation and their start. */
import { join } from "node:path";
import {
  findPythonPackages,
  type InstalledPackages,
  type InstallLimits,
  installPythonPackages,
  type PythonPackages,
} from "../../tests/support/python-packages.ts";
import { type ServingChild, startServing } from "./processes.ts";

/** A reference and what it needs, in exact versions. */
export interface PythonReference {
  readonly name: string;
  readonly version: string;
  /** Roughly what is downloaded. */
  readonly size: string;
  /** Arguments of each call of `pip install`. */
  readonly packages: readonly (readonly string[])[];
}

export const AIOHTTP: PythonReference = {
  name: "aiohttp",
  version: "3.14.5",
  size: "5 MB",
  packages: [["aiohttp==3.14.5"]],
};

/** What pytrickle imports, and not all that it declares: no test programs, and no MQTT client, which it does not use. */
export const PYTRICKLE: PythonReference = {
  name: "pytrickle",
  version: "0.1.6",
  size: "2 GB (with PyTorch)",
  packages: [
    [
      "torch==2.15.0",
      "numpy==2.4.6",
      "av==14.2.0",
      "pillow==12.3.0",
      "aiohttp==3.14.5",
      "pydantic==2.14.4",
      "nvidia-ml-py==13.615.71",
    ],
    ["--no-deps", "pytrickle==0.1.6"],
  ],
};

export const PYTHON_REFERENCES = [AIOHTTP, PYTRICKLE] as const;

/** torch and the CUDA libraries that PyPI's build of it loads are gigabytes. */
const LIMITS: InstallLimits = { callMs: 30 * 60_000, silenceSeconds: 180 };

/** For the folder of a reference; differs where any of its packages differs. */
const folderOf = ({ name, packages }: PythonReference): string =>
  `bench-${name}-${Bun.hash(JSON.stringify(packages)).toString(36)}`;

/** What runs a reference, or why nothing does. */
export function findReference(reference: PythonReference): PythonPackages {
  const found = findPythonPackages(folderOf(reference));
  if (found.kind !== "absent") return found;
  return {
    kind: "unavailable",
    why: `${reference.name} is not installed: bun run bench-references`,
  };
}

/** Installs a reference unless it is there. Takes minutes for pytrickle. */
export function installReference(reference: PythonReference): PythonPackages {
  return installPythonPackages(folderOf(reference), reference.packages, LIMITS);
}

/** Starts a program of this folder with the packages of a reference. It prints its URL. */
export async function startPython(
  { python, env }: InstalledPackages,
  program: string,
): Promise<ServingChild> {
  return await startServing([python, join(import.meta.dir, program)], undefined, env);
}
