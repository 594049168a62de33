/** A runner that the orchestrator's operator lists, and that the orchestrator polls (live-runner.md 2.4). */
import { type Dialect, newSecret } from "./dialect.ts";
import type { Offer } from "./heartbeat-body.ts";
import type { RegisteredRunner, Registry } from "./registry.ts";

export interface StaticEntry {
  readonly label: string;
  readonly runnerUrl: string;
  readonly app: string;
  readonly capacity: number;
  /** Exactly 200 is healthy. */
  readonly healthUrl: string;
  /** What the route names: the id, or on go-livepeer the label. */
  readonly routing?: "runner-id" | "label";
  readonly proxy?: boolean;
}

const HEALTH_TIMEOUT_MS = { "go-livepeer": 3000, "livepeer-node": 5000 } as const;

/** Lists a runner; it is usable as long as its health is. Returns it and how to take it off the list. */
export function addStaticRunner(
  registry: Registry,
  dialect: Dialect,
  entry: StaticEntry,
  intervalMs: number,
): { readonly runner: RegisteredRunner; remove(): Promise<void> } {
  const { label, routing = "runner-id" } = entry;
  const id = routing === "label" ? label : `runner_${newSecret().slice(0, 8)}`;
  const offer: Offer = {
    runner_id: id,
    runner_url: entry.runnerUrl,
    app: entry.app,
    mode: "persistent",
    proxy: entry.proxy ?? false,
    label,
    version: "",
    status: "ready",
    capacity: entry.capacity,
    metadata: "",
    gpu: undefined,
    price_info: {},
    session_ids: [],
  };
  const runner: RegisteredRunner = {
    id,
    isStatic: true,
    heartbeatSecret: newSecret(),
    o2r: null,
    sessions: new Map(),
    offer,
    beatAt: 0,
    beats: 0,
  };
  registry.runners.set(id, runner);
  const check = async (): Promise<void> => {
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS[dialect.name]);
    const answer = await fetch(entry.healthUrl, { signal }).catch(() => null);
    await answer?.arrayBuffer();
    const isHealthy = answer?.status === 200;
    runner.offer = { ...offer, status: isHealthy ? "ready" : "unavailable" };
    if (isHealthy) return;
    for (const session of runner.sessions.values()) await registry.release(session);
  };
  const timer = setInterval(() => void check(), intervalMs);
  return {
    runner,
    remove: () => {
      clearInterval(timer);
      return registry.remove(runner);
    },
  };
}
