/** Lets a thousand HTTP clients call the server at a time. */
import { type Asked, otherStatuses, runClients } from "./clients.ts";
import { backToBefore, type Load, ms } from "./load.ts";

const CLIENTS = 1000;
const SECONDS = 20;
const PACE_MS = 1000;

export const manyClients: Load = {
  name: "1,000 HTTP clients",
  description: `${CLIENTS} clients ask once a second for ${SECONDS} s, half of them on a new connection each time: /health, /metrics, a stream's status, text-reversal, and requests that must be refused`,
  async run({ api, server }) {
    const id = await api.start({
      stream_url: `${server.url}/trickle/asked`,
      model: "test-card",
      fps: 1,
      width: 64,
      height: 64,
    });
    const requests: Asked[] = [
      { method: "GET", path: "/health", status: 200 },
      { method: "GET", path: `/stream/${id}/status`, status: 200 },
      { method: "POST", path: "/c/text-reversal", body: '{"text":"abc"}', status: 200 },
      { method: "GET", path: "/metrics", status: 200 },
      { method: "POST", path: "/c/text-reversal", body: "{", status: 400 },
      { method: "GET", path: "/nothing/here", status: 404 },
      { method: "POST", path: "/stream/start", body: "{}", status: 400 },
    ];
    const plan = { url: server.url, clients: CLIENTS, seconds: SECONDS, paceMs: PACE_MS };
    const report = await runClients({ ...plan, requests });
    await api.stop(id);
    return [
      {
        what: "every request gets the documented status",
        measured: `${report.answered} answers, ${otherStatuses(report)}`,
        holds: report.answered > 0 && Object.keys(report.unexpected).length === 0,
      },
      {
        what: "clients are answered while they ask",
        measured: `p50 ${ms(report.p50)}, p99 ${ms(report.p99)}`,
        holds: report.p99 < 2000,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, { withinMs: 30_000 }),
};
