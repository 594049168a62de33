/** Benchmark `http`: text-reversal against hand-written servers, and /health under trickle traffic. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { loadGenerator, requestsPerSecond } from "./http-load.ts";
import { memoryMb, startServing } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { AIOHTTP, findReference, startPython } from "./python-references.ts";
import { type Measurement, quantile } from "./report.ts";

const CHANNELS = 8;
const HEALTH_EVERY_MS = 5;

export const http: Benchmark = async ({ quick, log }) => {
  const folder = await mkdtemp(join(tmpdir(), "bench-http-"));
  try {
    await using product = await startProduct();
    const rates = await throughput(product.url, folder, quick, log);
    log("/health with and without traffic");
    const seconds = quick ? 1 : 10;
    const idle = await healthTimes(product.url, seconds);
    const script = join(import.meta.dir, "trickle-traffic.ts");
    await using _ = await startServing([process.execPath, script, product.url, String(CHANNELS)]);
    const busy = await healthTimes(product.url, seconds);
    const memory = {
      case: "server peak memory",
      unit: "MB",
      samples: [memoryMb(product.pid).peak],
    };
    return [...rates, ...healthRows(idle, busy), memory];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function throughput(
  product: string,
  folder: string,
  quick: boolean,
  log: (text: string) => void,
): Promise<Measurement[]> {
  const peer = [process.execPath, join(import.meta.dir, "http-peer.ts")];
  await using checks = await startServing([...peer, "checks"]);
  await using libraries = await startServing([...peer, "libraries"]);
  await using nothing = await startServing([...peer, "nothing"]);
  const found = findReference(AIOHTTP);
  await using aiohttp =
    found.kind === "installed" ? await startPython(found, "aiohttp-peer.py") : null;
  const urls = {
    product,
    checks: checks.url,
    libraries: libraries.url,
    nothing: nothing.url,
    aiohttp: aiohttp?.url,
  };
  const rates: Record<string, number[]> = {};
  const rounds = quick ? 1 : 5;
  for (let round = 1; round <= rounds; round++) {
    log(`text-reversal round ${round} of ${rounds}`);
    for (const [name, url] of Object.entries(urls)) {
      if (url === undefined) continue;
      const rate = await requestsPerSecond(url, folder, quick ? 1 : 4);
      rates[name] = [...(rates[name] ?? []), rate];
    }
  }
  const of = (name: string) => rates[name] ?? [];
  const row = { unit: "requests/s", samples: of("product") };
  return [
    {
      ...row,
      case: "text-reversal",
      reference: { name: "Bun.serve by hand", samples: of("checks") },
      aim: { on: "ratio", sign: "≥", bound: 0.65 },
      note: `load by ${loadGenerator()} on the same cores`,
    },
    {
      ...row,
      case: "text-reversal against its libraries alone",
      reference: { name: "Elysia with CORS and schemas", samples: of("libraries") },
    },
    {
      ...row,
      case: "text-reversal against the peer",
      reference: { name: `aiohttp ${AIOHTTP.version}`, samples: of("aiohttp") },
      ...(found.kind === "installed" ? {} : { note: found.why }),
    },
    { ...row, case: "control: a server that answers ok", samples: of("nothing") },
  ];
}

/** Milliseconds of sequential GET /health requests. */
async function healthTimes(origin: string, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const begun = performance.now();
    const response = await fetch(`${origin}/health`);
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`/health answered ${response.status}`);
    times.push(performance.now() - begun);
    await Bun.sleep(HEALTH_EVERY_MS);
  }
  return times;
}

function healthRows(idle: readonly number[], busy: readonly number[]): Measurement[] {
  const row = (share: number): Measurement => ({
    case: `/health p${share * 100}, ${CHANNELS} streams of trickle bytes`,
    unit: "ms",
    samples: [quantile(busy, share)],
    reference: { name: "no traffic", samples: [quantile(idle, share)] },
  });
  return [
    row(0.5),
    { ...row(0.99), aim: { on: "value", sign: "≤", bound: 5 }, note: `${busy.length} requests` },
  ];
}
