/**
 * A program with many HTTP clients, in a process of its own, whose plan comes by stdin as JSON. Each asks again as soon as `paceMs` have
 * passed since it asked before, half of them on a connection of its own each time. Prints what they were answered as JSON.
 */
import { quantile } from "../../scripts/bench/report.ts";

/** A request, and the status that it must get. */
export interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  readonly status: number;
}

export interface ClientsPlan {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly paceMs: number;
  readonly requests: readonly Asked[];
}

export interface ClientsReport {
  readonly answered: number;
  /** Answers with another status than expected, by what was asked and what came. */
  readonly unexpected: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
}

/** Answers with another status than expected, in words. */
export function otherStatuses({ unexpected }: ClientsReport): string {
  const other = Object.entries(unexpected).map(([what, count]) => `${count} × ${what}`);
  return other.length === 0 ? "no other status" : other.join(", ");
}

/** Runs them to their end. */
export async function runClients(plan: ClientsPlan): Promise<ClientsReport> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdio: [Buffer.from(JSON.stringify(plan)), "pipe", "inherit"],
    env: { PATH: process.env["PATH"] ?? "", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
    timeout: (plan.seconds + 60) * 1000,
  });
  return JSON.parse(await child.stdout.text()) as ClientsReport;
}

if (import.meta.main) console.log(JSON.stringify(await drive(await Bun.stdin.json())));

async function drive(plan: ClientsPlan): Promise<ClientsReport> {
  const times: number[] = [];
  const unexpected: Record<string, number> = {};
  const end = performance.now() + plan.seconds * 1000;
  const ask = async ({ method, path, body, status }: Asked, keepalive: boolean): Promise<void> => {
    const begun = performance.now();
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? { method } : { method, body, headers };
    const seen = await fetch(`${plan.url}${path}`, { ...init, keepalive }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return String(answer.status);
      },
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    times.push(performance.now() - begun);
    if (seen === String(status)) return;
    const what = `${method} ${path.replace(/[\da-f-]{36}/, "{id}")}: ${seen}`;
    unexpected[what] = (unexpected[what] ?? 0) + 1;
  };
  const client = async (n: number): Promise<void> => {
    // They do not all ask in the same moment.
    await Bun.sleep((plan.paceMs * n) / plan.clients);
    for (let turn = n; performance.now() < end; turn++) {
      const next = performance.now() + plan.paceMs;
      const request = plan.requests[turn % plan.requests.length];
      if (request !== undefined) await ask(request, n % 2 === 0);
      const wait = next - performance.now();
      if (wait > 0) await Bun.sleep(wait);
    }
  };
  await Promise.all(Array.from({ length: plan.clients }, (_, n) => client(n)));
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return { answered: times.length, unexpected, p50, p99 };
}
