/**
 * `bun run network-run [--mode byoc|runner] …`: one long run of the real server with simulated peers and faults. Prints a
 * table; exits with 1 if a peer would have given up, or if the output was broken outside the faults.
 */
import { parseArgs } from "node:util";
import { commandLine, numberFrom } from "./command-line.ts";
import { byocRun } from "./network-run/byoc.ts";
import { runnerRun } from "./network-run/runner.ts";

const MINUTE_MS = 60_000;
const USAGE = `usage: bun run network-run [--mode byoc|runner] [--minutes 10] [--input whip|rtmp]
  byoc:   [--trickle own|go]
  runner: [--dialect go-livepeer|livepeer-node]`;

const CHOICES = {
  mode: ["byoc", "runner"],
  input: ["whip", "rtmp"],
  trickle: ["own", "go"],
  dialect: ["go-livepeer", "livepeer-node"],
} as const;

const { mode, minutes, input, trickle, dialect } = commandLine("network-run", USAGE, asked);
const lengthMs = minutes * MINUTE_MS;
const isSound =
  mode === "byoc"
    ? await byocRun({ lengthMs, kind: input, server: trickle })
    : await runnerRun({ lengthMs, kind: input, dialect });
process.exitCode = isSound ? 0 : 1;

function asked() {
  const option = (value: string) => ({ type: "string", default: value }) as const;
  const { values } = parseArgs({
    options: {
      mode: option("byoc"),
      minutes: option("10"),
      input: option("whip"),
      trickle: option("own"),
      dialect: option("livepeer-node"),
    },
  });
  return {
    minutes: numberFrom("minutes", values.minutes, 0.5),
    mode: choice("mode", values.mode),
    input: choice("input", values.input),
    trickle: choice("trickle", values.trickle),
    dialect: choice("dialect", values.dialect),
  };
}

function choice<Name extends keyof typeof CHOICES>(
  name: Name,
  value: string,
): (typeof CHOICES)[Name][number] {
  const chosen = CHOICES[name].find((one) => one === value);
  if (chosen === undefined)
    throw new Error(`--${name} must be ${CHOICES[name].join(" or ")}: ${value}`);
  return chosen;
}
