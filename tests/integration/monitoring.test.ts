/** What the repository ships for Prometheus and Grafana fits `GET /metrics`; the docs list every metric. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  alertExpressions,
  metricNamesIn,
  PROMETHEUS_FOLDER,
  panelExpressions,
  variableQueries,
} from "../support/monitoring-files.ts";
import { hasPrometheus } from "../support/prometheus.ts";
import { testServer } from "../support/test-server.ts";

const server = testServer();
afterAll(() => server.close());

const metrics = async (): Promise<string> => (await server.ask("GET", "/metrics")).body;
const namesIn = (text: string): string[] =>
  [...text.matchAll(/^# HELP (\S+)/gm)].map(([, name = ""]) => name);

test("every metric that dashboards and alerts use is there", async () => {
  const there = namesIn(await metrics());
  const used = [
    ...(await alertExpressions()).map(({ text }) => text),
    ...(await panelExpressions()).map(({ text }) => text),
    ...(await variableQueries()),
  ].flatMap(metricNamesIn);
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((name) => !there.includes(name))).toEqual([]);
});

test("the docs list every metric, and no other", async () => {
  const docs = await Bun.file(join(import.meta.dir, "../../docs/observability.md")).text();
  const listed = [...docs.matchAll(/^\| `((?:comfystream|process|nodejs)_\w+)`/gm)];
  expect(listed.map(([, name = ""]) => name).sort()).toEqual(namesIn(await metrics()).sort());
});

test("the docs say of every alert what to do", async () => {
  const docs = await Bun.file(join(import.meta.dir, "../../docs/observability.md")).text();
  const explained = [...docs.matchAll(/^\| `([A-Z]\w+)`/gm)].map(([, name]) => name);
  expect(explained).toEqual((await alertExpressions()).map(({ of }) => of));
});

describe.skipIf(!hasPrometheus)("promtool (Debian's package prometheus) accepts", () => {
  const promtool = async (args: readonly string[], input = "") => {
    const child = Bun.spawn(["promtool", ...args], {
      cwd: PROMETHEUS_FOLDER,
      stdio: [new Blob([input]), "pipe", "pipe"],
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, said: `${out}${err}` };
  };

  test("the configuration, and the alert rules with their tests", async () => {
    for (const args of [
      ["check", "config", "prometheus.yml"],
      ["check", "rules", "--lint=all", "alerts.yml"],
      ["test", "rules", "alerts.test.yml"],
    ]) {
      const { code, said } = await promtool(args);
      expect(code, said).toBe(0);
    }
  });

  test("the metrics: their names, units, types and help", async () => {
    expect(await promtool(["check", "metrics"], await metrics())).toEqual({ code: 0, said: "" });
  });
});
