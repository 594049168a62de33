/** Builds the CPU image with the Docker daemon of this machine, and saves it as a file that `docker load` reads. */
import { $ } from "bun";

/** Returns why no image can be built on this machine; null if a Docker daemon answers. */
export async function noDockerDaemon(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | null> {
  if (Bun.which("docker") === null) return "docker is not installed";
  const daemon = await $`docker version`.env(env).quiet().nothrow();
  return daemon.exitCode === 0 ? null : "no Docker daemon answers";
}

/** Returns why there is no image; null if there is one. `file` ends with `.tar.gz`. The build's messages go to stderr. */
export async function saveImage(
  root: string,
  version: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | null> {
  const missing = await noDockerDaemon(env);
  if (missing !== null) return missing;
  const revision = await $`git rev-parse HEAD`.cwd(root).quiet().nothrow().text();
  const tag = `comfystream-byoc:${version}`;
  const labels = [
    "--build-arg",
    `VERSION=${version}`,
    "--build-arg",
    `REVISION=${revision.trim()}`,
  ];
  const build =
    await $`docker build --network host --file Dockerfile.bun --target cpu ${labels} --tag ${tag} . 1>&2`
      .cwd(root)
      .env(env)
      .nothrow();
  if (build.exitCode !== 0) return "docker could not build Dockerfile.bun: see above";
  const tar = file.replace(/\.gz$/, "");
  await $`docker save --output ${tar} ${tag}`.env(env);
  await $`gzip ${tar}`;
  return null;
}
