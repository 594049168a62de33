/** Installs pytrickle, without the dependencies of its media code. */
import { join } from "node:path";
import { installPythonPackages } from "../../support/python-packages.ts";

export type PythonPeer =
  | {
      readonly kind: "installed";
      /** The command line before the peer's own arguments, and its environment. */
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: "unavailable"; readonly why: string };

export function installPythonPeer(): PythonPeer {
  const packages = installPythonPackages("pytrickle-0.1.6", [
    ["--no-deps", "pytrickle==0.1.6"],
    ["aiohttp==3.14.5"],
  ]);
  if (packages.kind === "unavailable") return packages;
  const command = [packages.python, join(import.meta.dir, "peer.py")];
  return { kind: "installed", command, env: packages.env };
}
