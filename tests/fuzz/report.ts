/** Writes the runs of the fuzzer as a section of docs/faults.md: the figures of each target's last long run, and all findings. */
import { docTable } from "../../scripts/doc-section.ts";
import type { FuzzRun, FuzzTarget } from "./fuzz.ts";

const HEAD = ["Target", "Inputs", "Cases", "A second", "Memory, MiB", "Found and fixed"];

/**
 * The section after these runs. Targets without a run keep their figures from `previous`, the section as it is.
 *
 * @param targets all there are, in the order of the table
 */
export function fuzzReport(
  runs: readonly FuzzRun[],
  targets: readonly FuzzTarget[],
  previous: string,
): string {
  const figures = new Map(figuresIn(previous));
  for (const { target, cases, seconds, memory } of runs) {
    const rate = number(Math.round(cases / seconds));
    figures.set(target, [number(cases), rate, `${memory.before} → ${memory.after}`]);
  }
  const rows = targets.map(({ name, inputs, found }) => {
    const [cases = "not run", rate = "", memory = ""] = figures.get(name) ?? [];
    return [`\`${name}\``, inputs, cases, rate, memory, `${found.length}`];
  });
  const findings = targets.flatMap(({ name, found }) =>
    found.map(({ what, test: [file] }) => [`\`${name}\``, what, `\`tests/${file}\``]),
  );
  const tests = ["Target", "What was found", "The test that fails if it comes back"];
  const tables = [
    docTable(HEAD, rows),
    ...(findings.length > 0 ? [docTable(tests, findings)] : []),
  ];
  return tables.join("\n\n");
}

/** Cases, cases a second and memory of each target in a section. */
function* figuresIn(section: string): Generator<[name: string, figures: readonly string[]]> {
  for (const line of section.split("\n")) {
    const [, target = "", , cases = "", rate = "", memory = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    const [, name] = /^`([a-z0-9-]+)`$/.exec(target) ?? [];
    if (name !== undefined && /^[\d,]+$/.test(cases)) yield [name, [cases, rate, memory]];
  }
}

const number = (value: number): string => value.toLocaleString("en-US");
