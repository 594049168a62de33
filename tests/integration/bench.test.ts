import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "../../scripts/bench/report.ts";

const BENCH = join(import.meta.dir, "../../scripts/bench.ts");

test("a quick latency benchmark writes its report", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bench-results-"));
  try {
    const child = Bun.spawn([process.execPath, BENCH, "latency", "--quick", "--out", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const table = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const report = (await Bun.file(join(folder, "latency.json")).json()) as Report;
    expect(report).toMatchObject({
      benchmark: "latency",
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      machine: { cores: expect.any(Number) },
      versions: { bun: Bun.version },
    });
    const numberOrNull = (value: unknown) => value === null || typeof value === "number";
    for (const row of report.rows) {
      const { note, series: _series, distributions: _distributions, ...members } = row;
      expect(Object.keys(members)).toEqual(
        "case value unit reference reference_value ratio aim met".split(" "),
      );
      expect(row.value, row.case).toBeNumber();
      expect([row.reference_value, row.ratio].every(numberOrNull), row.case).toBe(true);
      expect(row.aim ?? "≤ 1", row.case).toMatch(/^[≤≥>] \d/);
      expect(typeof (note ?? "")).toBe("string");
      expect(table).toContain(row.case);
    }
    const lost = report.rows.find((row) => row.case === "identity: frames lost");
    expect(lost?.value).toBe(0);
    const beside = report.rows.filter((row) => row.case.startsWith("beside pytrickle"));
    expect(beside.length).toBeGreaterThan(5);
    for (const { case: name, reference_value, note } of beside) {
      if (report.versions["pytrickle"] !== "not installed")
        expect(reference_value, name).toBeNumber();
      else expect(note, name).toContain("bun run bench-references");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 90_000);
