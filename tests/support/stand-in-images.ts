/**
 * Makes the base images that Dockerfile.bun names from Debian packages and this Bun, so that the image can be built where no
 * registry of images is reached.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDebianRoot } from "./debian-root.ts";
import type { DockerDaemon } from "./docker-daemon.ts";

const DOCKERFILE = join(import.meta.dir, "../../Dockerfile.bun");

/** The image that Dockerfile.bun takes for a build argument that is not given. */
export async function defaultImage(argument: string): Promise<string> {
  const image = new RegExp(`^ARG ${argument}=(\\S+)$`, "m").exec(
    await Bun.file(DOCKERFILE).text(),
  )?.[1];
  if (image === undefined) throw new Error(`Dockerfile.bun has no line ARG ${argument}=…`);
  return image;
}

/** Makes BASE_IMAGE, and BUN_IMAGE on top of it; `folder` holds what they are made from. */
export async function makeStandIns(docker: DockerDaemon, folder: string): Promise<void> {
  const base = await defaultImage("BASE_IMAGE");
  const root = join(folder, "debian");
  await makeDebianRoot(root);
  await docker.importFolder(root, base);

  const context = join(folder, "bun");
  await mkdir(context);
  await copyFile(process.execPath, join(context, "bun"));
  const lines = [`FROM ${base}`, "COPY bun /usr/local/bin/bun"];
  // Where this machine reaches the npm registry only with a certificate authority of its own, so does the build.
  const authorities = process.env["NODE_EXTRA_CA_CERTS"];
  if (authorities !== undefined) {
    await copyFile(authorities, join(context, "authorities.pem"));
    lines.push("COPY authorities.pem /", "ENV NODE_EXTRA_CA_CERTS=/authorities.pem");
  }
  await Bun.write(join(context, "Dockerfile"), lines.join("\n"));
  await docker.run("build", "--tag", await defaultImage("BUN_IMAGE"), context);
}
