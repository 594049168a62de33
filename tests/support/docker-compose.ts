/** Runs docker-compose on the repository's compose.yaml. */
import { join } from "node:path";
import { YAML } from "bun";
import { runCommand } from "./run-command.ts";

const root = join(import.meta.dir, "../..");

export const COMPOSE_FILE = join(root, "compose.yaml");

/** What docker-compose lacks here; null if nothing. */
export const noDockerCompose: string | null =
  Bun.which("docker-compose") === null ? "needs docker-compose" : null;

export interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly network_mode?: string;
}

export interface ComposeConfig {
  readonly services: Readonly<Record<string, ComposeService>>;
}

/** The file as docker-compose understands it, with no variable but those of `env`. Throws if it refuses the file. */
export async function composeConfig({
  file = COMPOSE_FILE,
  flags = [],
  env = {},
}: {
  readonly file?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
} = {}): Promise<ComposeConfig> {
  const command = [
    "docker-compose",
    "--file",
    file,
    "--project-directory",
    root,
    ...flags,
    "config",
  ];
  const clean = Object.entries({ PATH: process.env["PATH"] ?? "", ...env });
  const variables = clean.map(([name, value]) => `${name}=${value}`);
  return YAML.parse(await runCommand(["env", "-i", ...variables, ...command])) as ComposeConfig;
}
