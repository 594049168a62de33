/** The command `models`: brings models into the workspace, takes them away, lists them. One row a sub-command. */
import { type Config, ConfigError, readConfig } from "../config.ts";
import { describeUnexpected, reason, WorkerError } from "../errors.ts";
import { configureLogging } from "../log.ts";
import type { EngineCommand } from "../server/engines/engine-process.ts";
import { type Given, readArguments, type Syntax } from "./arguments.ts";
import { CommandError, describeSystemError, UsageError } from "./failures.ts";
import { printable } from "./printable.ts";

/** What a sub-command may use. */
export interface CommandContext {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start an engine of this program. */
  readonly engine: EngineCommand;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Prints a line of the result to stdout. */
  print(line: string): void;
  /** Prints a line about the work, which is not part of the result, to stderr. */
  note(line: string): void;
}

/** Throws CommandError, UsageError or WorkerError; whatever else it throws is a defect. */
type Run = (given: Given, context: CommandContext) => Promise<void>;

interface SubCommand extends Syntax {
  readonly summary: string;
  /** Each loads its own code, so that none pays for another's libraries. */
  readonly run: Run;
}

const SUB_COMMANDS: Readonly<Record<string, SubCommand>> = {
  list: {
    argument: null,
    summary: "list the models of the server at --host and --port, or else of --workspace",
    flags: { json: { value: null, description: "print what GET /models answers" } },
    run: async ({ flags }, context) => {
      const { listModels } = await import("./list.ts");
      await listModels(flags.has("json") ? "json" : "table", context);
    },
  },
  init: {
    argument: "<file.onnx>",
    summary: "draft a model.json beside an ONNX file, and print what to check in it",
    flags: {
      name: { value: "NAME", description: "the model's name" },
      force: { value: null, description: "overwrite a model.json that exists" },
    },
    run: async ({ argument, flags }, context) => {
      const { initModel } = await import("./init.ts");
      const existing = flags.has("force") ? "overwrite" : "keep";
      await initModel(argument, { name: flags.get("name"), existing }, context);
    },
  },
  add: {
    argument: "<source>",
    summary:
      "bring a model into the workspace; <source> is a file, a folder, an archive, an https URL or hf:owner/name[@revision]",
    flags: {
      name: {
        value: "NAME",
        description: "the model's name; default: that of its file or repository",
      },
      file: {
        value: "PATH",
        description: "which ONNX file, where the source has several; <source>:PATH says the same",
      },
      sha256: { value: "HEX", description: "checksum of the file, archive or download" },
    },
    run: async ({ argument, flags }, context) => {
      const { addModel } = await import("./add.ts");
      const { createProgress } = await import("./progress.ts");
      const { createAsk } = await import("./ask.ts");
      const options = {
        argument,
        name: flags.get("name"),
        file: flags.get("file"),
        sha256: flags.get("sha256"),
        progress: createProgress(process.stderr),
        ask: createAsk(context.signal),
      };
      await addModel(options, context);
    },
  },
  check: {
    argument: "<name or folder>",
    summary: "run a model on a picture, save it before and after, and say what looks wrong",
    flags: {
      image: { value: "FILE", description: "a PNG, JPEG or WebP in place of the test picture" },
      out: { value: "DIR", description: "where to save the pictures (the current folder)" },
    },
    run: async ({ argument, flags }, context) => {
      const { checkModel } = await import("./check.ts");
      const options = { image: flags.get("image"), out: flags.get("out") ?? "." };
      await checkModel(argument, options, context);
    },
  },
  remove: {
    argument: "<name>",
    summary: "delete a model's folder from the workspace",
    flags: {},
    run: async ({ argument }, context) => {
      const { removeModel } = await import("./remove.ts");
      await removeModel(argument, context);
    },
  },
};

/** Runs `models …` and returns the exit code: 0, 1 for a failure, 2 for a wrong command line, 130 for SIGINT. */
export async function runModelsCommand(
  args: readonly string[],
  program: string,
  engine: EngineCommand,
): Promise<number> {
  const [name, ...rest] = args;
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help(program));
    return 0;
  }
  const command = Object.hasOwn(SUB_COMMANDS, name ?? "") ? SUB_COMMANDS[name ?? ""] : undefined;
  if (command === undefined) {
    const wrong = name === undefined ? "models needs a sub-command" : `unknown: models ${name}`;
    return fail(
      2,
      `${wrong}; there are ${Object.keys(SUB_COMMANDS).join(", ")}; see models --help`,
    );
  }
  const stop = new AbortController();
  let interrupted: 130 | 143 | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    interrupted = signal === "SIGINT" ? 130 : 143;
    stop.abort(new CommandError("interrupted"));
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    const given = readArguments(rest, command);
    const config = readConfig(given.others);
    await configureLogging("error", config.logFormat);
    await command.run(given, {
      config,
      env: Bun.env,
      engine,
      signal: stop.signal,
      print: (line) => process.stdout.write(`${printable(line)}\n`),
      note: (line) => process.stderr.write(`${printable(line)}\n`),
    });
    return 0;
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigError) return fail(2, error.message);
    return fail(interrupted ?? 1, describe(error));
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function describe(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  const system = describeSystemError(error);
  if (system !== null) return system;
  // What the file system or the network says names its own cause; anything else is a defect and needs its stack.
  if (error instanceof WorkerError || (error instanceof Error && "code" in error))
    return reason(error);
  return describeUnexpected(error);
}

function help(program: string): string {
  const commands = Object.entries(SUB_COMMANDS).map(([name, command]) => {
    const usage = [
      `models ${name}`,
      command.argument,
      ...Object.entries(command.flags).map(flagUsage),
    ]
      .filter((part) => part !== null)
      .join(" ");
    const flags = Object.entries(command.flags).map(
      ([flag, { value, description }]) =>
        `    ${`--${flag}${value === null ? "" : ` ${value}`}`.padEnd(16)} ${description}`,
    );
    return [`  ${usage}`, `    ${command.summary}`, ...flags].join("\n");
  });
  return `Usage: ${program} models <sub-command> [flags]

${commands.join("\n\n")}

The program's flags, such as --workspace, apply as well: see ${program} --help.
Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted.
`;
}

const flagUsage = ([flag, { value }]: [string, { value: string | null }]): string =>
  `[--${flag}${value === null ? "" : ` ${value}`}]`;

function fail(code: number, message: string): number {
  process.stderr.write(`${printable(message)}\n`);
  return code;
}
