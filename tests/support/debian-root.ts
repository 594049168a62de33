/** Makes a minimal Debian folder with debootstrap, from the package source that this machine is configured to use. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

const { platform, getuid } = process;

/** Why no Debian folder can be made here; null if it can. */
export const noDebianRoot: string | null =
  platform !== "linux" || getuid?.() !== 0
    ? "needs Linux and root"
    : Bun.which("debootstrap") === null || Bun.which("apt-get") === null
      ? "needs debootstrap"
      : null;

/** What Debian's own slim images leave out, too. */
const LEFT_OUT = [
  "var/cache/apt",
  "var/lib/apt/lists",
  "usr/share/doc",
  "usr/share/locale",
  "usr/share/man",
];

/** Installs Debian's essential packages and apt into `folder`, without documentation and package lists. */
export async function makeDebianRoot(folder: string): Promise<void> {
  const { codename, mirror } = await packageSource();
  await runCommand(["debootstrap", "--variant=minbase", codename, folder, mirror]);
  await Promise.all(
    LEFT_OUT.map((path) => rm(join(folder, path), { recursive: true, force: true })),
  );
}

/** The release that this machine runs, and where its packages come from. */
async function packageSource(): Promise<{ codename: string; mirror: string }> {
  const release = await Bun.file("/etc/os-release").text();
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
  const format = "$(CODENAME) $(SITE)";
  const list = await runCommand([
    "apt-get",
    "indextargets",
    "--format",
    format,
    "Created-By: Packages",
  ]);
  const mirror = list
    .split("\n")
    .find((line) => line.startsWith(`${codename} `))
    ?.split(" ")[1];
  if (codename === undefined || mirror === undefined)
    throw new Error(`apt has no source for the release ${codename} of this machine`);
  return { codename, mirror };
}
