/** Reads the arguments of a sub-command: at most one positional argument, its own flags, and the program's flags. */
import { UsageError } from "./failures.ts";

/** A flag of a sub-command, by its name without dashes. */
export interface Flag {
  /** What its value is called in the usage line, e.g. `NAME`; null for a flag without a value. */
  readonly value: string | null;
  readonly description: string;
}

/** What a sub-command takes. */
export interface Syntax {
  /** How the usage line calls the positional argument, e.g. `<name>`; null where there is none. */
  readonly argument: string | null;
  readonly flags: Readonly<Record<string, Flag>>;
}

/** What was given. */
export interface Given {
  /** The positional argument; empty for a sub-command that takes none. */
  readonly argument: string;
  /** The sub-command's own flags; those without a value have the value "". */
  readonly flags: ReadonlyMap<string, string>;
  /** The program's flags, as `readConfig` takes them. */
  readonly others: readonly string[];
}

/** Throws UsageError, one sentence a line, for everything that is missing or superfluous. Unknown flags are among `others`. */
export function readArguments(args: readonly string[], syntax: Syntax): Given {
  const positional: string[] = [];
  const flags = new Map<string, string>();
  const others: string[] = [];
  const problems: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") positional.push(...rest.splice(0));
    else if (!arg.startsWith("-")) positional.push(arg);
    else {
      const [, name = "", inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
      const flag = Object.hasOwn(syntax.flags, name) ? syntax.flags[name] : undefined;
      const next = (): string | undefined => (rest[0]?.startsWith("--") ? undefined : rest.shift());
      if (flag === undefined) {
        others.push(arg);
        const value = inline === undefined ? next() : undefined;
        if (value !== undefined) others.push(value);
      } else if (flag.value === null) {
        if (inline !== undefined) problems.push(`--${name} takes no value`);
        flags.set(name, "");
      } else {
        const value = inline ?? next();
        if (value === undefined || value === "") problems.push(`--${name} needs a value`);
        else flags.set(name, value);
      }
    }
  }
  const [argument = "", ...superfluous] = positional;
  if (syntax.argument === null && positional.length > 0)
    problems.push(`unexpected argument ${JSON.stringify(argument)}`);
  if (syntax.argument !== null && argument === "") problems.push(`${syntax.argument} is missing`);
  if (syntax.argument !== null && superfluous.length > 0) {
    problems.push(
      `unexpected argument ${JSON.stringify(superfluous[0])}; put quotes around a name with spaces`,
    );
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return { argument, flags, others };
}
