/** Reads the docker commands of docs/containers.md, to be run where no network can be published. */
import { commandsOf } from "./doc-commands.ts";

const PAGE = "docs/containers.md";

/** The arguments of each command of the page that begins with these, in order. */
export function documentedDocker(...start: readonly string[]): string[][] {
  const commands = commandsOf(PAGE).map(({ text }) =>
    text.replaceAll("\\\n", " ").trim().split(/\s+/),
  );
  return commands
    .filter((words) => ["docker", ...start].every((word, i) => words[i] === word))
    .map((words) => words.slice(1));
}

/** The same arguments with other values of some flags, or without a flag where the value is null. */
export function withFlags(
  args: readonly string[],
  flags: Readonly<Record<string, readonly string[]>>,
): string[] {
  const changed = [...args];
  for (const [flag, by] of Object.entries(flags)) {
    const at = changed.indexOf(flag);
    if (at === -1) throw new Error(`${flag} is not in: docker ${args.join(" ")}`);
    changed.splice(at, 2, ...by);
  }
  return changed;
}
