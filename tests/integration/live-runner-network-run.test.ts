/** Tests the network run of the live-runner mode in seconds instead of minutes. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { networkRun } from "../support/live-runner/network-run.ts";
import { inputLoop } from "../support/network-node.ts";

setDefaultTimeout(60_000);
quietLibav(); // the engine's death cuts a segment

test("sessions and a BYOC stream outlive an engine, silent clients are released, and an orchestrator's restart is overcome", async () => {
  const folder = mkdtempSync(join(tmpdir(), "network-run-"));
  try {
    const { faults } = await networkRun({
      dialect: "livepeer-node",
      input: await inputLoop("whip"),
      lengthMs: 0, // each step begins when the one before has had its effect
      beatMs: 200,
      silentTimeoutS: 0.3,
      downMs: 200,
      pauseMs: 200,
      usageLog: join(folder, "usage.jsonl"),
    });
    expect(faults).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
