/** A real Prometheus scrapes a real server with streams, while its engine is killed; skipped without Debian's package. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertExpressions, panelExpressions } from "../support/monitoring-files.ts";
import { hasPrometheus, Prometheus } from "../support/prometheus.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

const TOKEN = "the-token-of-Prometheus";
/** As `$__rate_interval` would be: four scrapes and more. */
const RATE_INTERVAL = "5s";
/** There may be no GPU, and there is no orchestrator. */
const MAY_BE_EMPTY = /comfystream_(gpu_|registered)/;

// biome-ignore lint/suspicious/noExplicitAny: the test looks at a few members
type Health = any;

test.skipIf(!hasPrometheus)(
  "every expression of the dashboard and the alerts gives data, no total falls when an engine dies, and health stays steady",
  async () => {
    const workspace = await mkdtemp(join(tmpdir(), "workspace-"));
    const flags = ["--workspace", workspace, "--max-streams", "8", "--api-token", TOKEN];
    try {
      await using server = await startServer(MAIN, flags);
      await using prometheus = await Prometheus.start(new URL(server.url).host, TOKEN);
      const health = async () => {
        const response = await fetch(`${server.url}/health`);
        return { status: response.status, body: (await response.json()) as Health };
      };
      const readyEngine = async (): Promise<number> => {
        const [engine] = (await health()).body.engines;
        return engine?.state === "ready" ? engine.pid : 0;
      };
      await waitFor("an engine", async () => (await readyEngine()) > 0);
      const start = async (output: string, input?: string) => {
        const response = await fetch(`${server.url}/stream/start`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify({
            stream_url: `${server.url}/trickle/${output}`,
            ...(input && { input_url: `${server.url}/trickle/${input}`, model: "identity" }),
            prompts: "the sea",
            width: 128,
            height: 128,
            fps: 12,
          }),
        });
        expect(response.status).toBe(200);
      };
      for (const output of ["a", "b", "c"]) await start(output);
      await start("d", "a"); // decodes what the first one publishes

      const published = "sum(comfystream_frames_published_total)";
      const value = async (expression: string): Promise<number> =>
        Number((await prometheus.query(expression))[0]?.value[1] ?? Number.NaN);
      await waitFor("frames", async () => (await value(published)) > 20);

      const seen = new Set<string>();
      const killed = await readyEngine();
      process.kill(killed, "SIGKILL");
      await waitFor("another engine", async () => {
        const { status, body } = await health();
        const { live, ready, healthy, has_capacity, used } = body;
        seen.add(JSON.stringify({ status, live, ready, healthy, has_capacity, used }));
        const pid = await readyEngine();
        return pid > 0 && pid !== killed;
      });
      const before = await value(published);
      await waitFor("its frames", async () => (await value(published)) > before + 20);
      expect([...seen].map((one) => JSON.parse(one))).toEqual([
        { status: 200, live: true, ready: true, healthy: true, has_capacity: true, used: 4 },
      ]);

      expect(await value('sum(comfystream_engine_deaths_total{cause="killed"})')).toBe(1);
      const totals = '{__name__=~"comfystream_.*_(total|bucket|sum|count)"}';
      const named = `label_replace(${totals}, "name", "$1", "__name__", "(.+)")`;
      expect(await value(`max(resets(${named}[1m:500ms]))`)).toBe(0);

      let empty: string[] = [];
      const evaluate = async (): Promise<boolean> => {
        empty = [];
        for (const { of, text } of await panelExpressions()) {
          const expression = text
            .replaceAll("$__rate_interval", RATE_INTERVAL)
            .replaceAll("$instance", ".*")
            .replaceAll("$device", ".*");
          const samples = await prometheus.query(expression);
          if (samples.length === 0 && !MAY_BE_EMPTY.test(text)) empty.push(`${of}: ${expression}`);
        }
        return empty.length === 0;
      };
      // On a busy machine a rate may want another scrape.
      await waitFor("data of every panel", evaluate).catch(() => expect(empty).toEqual([]));
      const rules = await prometheus.rules();
      expect(rules.map(({ name }) => name)).toEqual((await alertExpressions()).map(({ of }) => of));
      expect(rules.filter(({ health: state }) => state !== "ok")).toEqual([]);
    } finally {
      await rm(workspace, { recursive: true, force: true });
    }
  },
);
