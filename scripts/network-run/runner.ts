/** The run as a live runner, with a BYOC stream beside: see `networkRun`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { type InputKind, InputLoop } from "../../tests/support/gateway-input.ts";
import type { DialectName } from "../../tests/support/live-runner/dialect.ts";
import { networkRun } from "../../tests/support/live-runner/network-run.ts";

export interface RunnerRunOptions {
  readonly lengthMs: number;
  readonly kind: InputKind;
  readonly dialect: DialectName;
}

/** Prints what was measured. True if nothing happened that should not. */
export async function runnerRun({ lengthMs, kind, dialect }: RunnerRunOptions): Promise<boolean> {
  quietLibav(); // incomplete segments are read, too
  const folder = mkdtempSync(join(tmpdir(), "network-run-"));
  try {
    const { rows, faults } = await networkRun({
      dialect,
      input: await InputLoop.make(kind),
      lengthMs,
      beatMs: 5000,
      silentTimeoutS: Math.min(60, lengthMs / 20_000),
      downMs: Math.min(5000, lengthMs / 100),
      pauseMs: Math.min(30_000, lengthMs / 10),
      usageLog: join(folder, "usage.jsonl"),
      onStep: (step) => console.log(step),
    });
    for (const [what, figure] of rows) console.log(`${what.padEnd(42)} ${figure}`);
    for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
    return faults.length === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
