/** Runs the program's sub-commands. Native code is loaded by the commands `engine` and `models check` alone. */
import manifest from "../package.json" with { type: "json" };
import { isCompiled } from "./compiled.ts";
import {
  type Config,
  ConfigError,
  describeSettings,
  engineEnvironment,
  readConfig,
} from "./config.ts";
import { reason } from "./errors.ts";
import { configureLogging } from "./log.ts";
import { prepareLibraries } from "./native/load-addon.ts";
import { repairLibraries } from "./native/repair.ts";
import { confineChildren, hideFromOthers } from "./process-rights.ts";
import { raiseRequestLimit } from "./request-limit.ts";
import type { EngineCommand } from "./server/engines/engine-process.ts";
import { HEALTH_CHECKS, type HealthCheck } from "./server/health.ts";

const { name, version } = manifest;
const COMMANDS = [
  "server",
  "engine",
  "doctor",
  "health",
  "models",
  "register",
  "unregister",
  "registrar",
] as const;
type Command = (typeof COMMANDS)[number];

const HELP = `${name} ${version}: a live AI-video worker of the Livepeer network

Usage: ${name} [command] [flags]

Commands:
  server     run the server (the default); SIGTERM shuts it down in order, a second one at once
  doctor     report what this machine can do: devices, execution providers, codecs, models; exit 1 if something is missing
  health     check the server at --host and --port; exit 0 or 1; add live, ready or capacity to check only that
  models     add, draft, check, list and remove models of the workspace; see models --help
  register   register once with the orchestrators of ORCH_URL; exit 1 if one refuses (the server does this by itself)
  unregister remove that registration
  registrar  keep the workers of WORKERS registered as one, behind a proxy at CAPABILITY_URL; see docs/fleet.md
  --version  print the version, and those of the native parts with their licences
  --help     print this

Flags, their variables and (defaults); a flag wins over its variable:
${describeSettings()}
`;

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has enough, as `head` does, and nobody needs the rest.
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
await run(Bun.argv.slice(2));

async function run(args: readonly string[]): Promise<void> {
  const [first] = args;
  // `models` has help and flags of its own.
  if (first !== "models" && (args.includes("--help") || args.includes("-h"))) return print(HELP);
  if (args.includes("--version")) {
    const { describeParts } = await import("./native/parts.ts");
    return print(`${version}\n${describeParts()}\n`);
  }
  const named = first !== undefined && !first.startsWith("-");
  const command = named ? COMMANDS.find((one) => one === first) : "server";
  if (command === undefined)
    return fail(2, `unknown command ${first}; there are ${COMMANDS.join(", ")}; see --help`);
  try {
    if (command === "models") return await runModels(args.slice(1));
    if (command === "engine") return await runEngineProcess();
    const given = named ? args.slice(1) : args;
    const check = command === "health" ? HEALTH_CHECKS.find((one) => one === given[0]) : undefined;
    const flags = check === undefined ? given : given.slice(1);
    await runCommand(command, readConfig(flags), check);
  } catch (error) {
    fail(error instanceof ConfigError ? 2 : 1, reason(error));
  }
}

async function runCommand(
  command: Exclude<Command, "engine" | "models">,
  config: Config,
  check: HealthCheck | undefined,
): Promise<void> {
  switch (command) {
    case "server": {
      raiseRequestLimit();
      if (!config.inspectable) hideFromOthers();
      await configureLogging(config.logLevel, config.logFormat);
      const [engineCommand, { serve }] = await Promise.all([
        engineChild(),
        import("./server/serve.ts"),
      ]);
      const { stopSignal } = await import("./server/stop-signal.ts");
      process.exit(await serve({ config, version, engineCommand, stop: stopSignal() }));
      break;
    }
    case "doctor": {
      await configureLogging("error", config.logFormat);
      const { examine } = await import("./server/doctor.ts");
      const { ok, report } = await examine(config, await engineChild(), version);
      print(`${report}\n`);
      await exitWith(ok ? 0 : 1);
      break;
    }
    case "health": {
      const { askHealth } = await import("./server/health-check.ts");
      const { ok, message } = await askHealth(config.host, config.port, check);
      print(`${message}\n`);
      await exitWith(ok ? 0 : 1);
      break;
    }
    case "register":
    case "unregister": {
      const { runOnce } = await import("./server/protocols/byoc/registration/once.ts");
      const { localUrl } = await import("./server/http/listen.ts");
      const own = localUrl(config.host, config.port);
      const { ok, report, warnings } = await runOnce(command, config, own);
      for (const warning of warnings) process.stderr.write(`${warning}\n`);
      print(`${report}\n`);
      await exitWith(ok ? 0 : 1);
      break;
    }
    case "registrar": {
      await configureLogging(config.logLevel, config.logFormat);
      const { runRegistrar } = await import("./server/protocols/byoc/registration/registrar.ts");
      const { stopSignal } = await import("./server/stop-signal.ts");
      await runRegistrar(config, stopSignal());
      await exitWith(0);
    }
  }
}

async function runModels(args: readonly string[]): Promise<void> {
  const { runModelsCommand } = await import("./workspace/command.ts");
  await exitWith(await runModelsCommand(args, name, await engineChild()));
}

async function runEngineProcess(): Promise<void> {
  // Without a server nothing gives it work, and nothing ends it: it ignores the signals of a terminal.
  if (process.send === undefined)
    fail(2, "engine is started by the server; run server, and see --help for the other commands");
  await prepareLibraries(); // they may have been removed since the server started
  const { ProgramWorker } = await import("./engine/device/program-worker.ts");
  const worker = new ProgramWorker(); // loads its modules while this thread loads its own
  const { runEngine } = await import("./engine/engine.ts");
  await runEngine(worker);
}

/**
 * How to start this program as an engine; a compiled binary contains its script. Its libraries are unpacked here, so that a
 * full disk is one error of this command and not an engine that fails again and again.
 */
async function engineChild(): Promise<EngineCommand> {
  await prepareLibraries();
  const program = isCompiled() ? [process.execPath] : [process.execPath, Bun.main];
  return {
    command: [...program, "engine"],
    env: engineEnvironment(),
    repair: repairLibraries,
    confine: confineChildren,
  };
}

function print(text: string): void {
  process.stdout.write(text);
}

/** Exits when all of stdout is written: a pipe holds 64 KiB, and the rest waits for its reader. */
async function exitWith(code: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.end(() => resolve()));
  process.exit(code);
}

function fail(code: 1 | 2, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
