/** Judges the server's health: alive, ready for work, and with room for more. */

/** What `GET /health?check=` may ask for in place of `healthy`. */
export const HEALTH_CHECKS = ["live", "ready", "capacity"] as const;
export type HealthCheck = (typeof HEALTH_CHECKS)[number];

/** Of the engine scheduler, the stream store and the capacity. */
export interface HealthParts {
  readonly scheduler: { readonly state: "loading" | "ready" | "broken" };
  readonly store: { readonly liveCount: number; readonly isOpen: boolean };
  readonly capacity: { readonly total: number; readonly used: number };
}

export type Health = ReturnType<typeof healthOf>;

/** pytrickle's states (protocol.md 7.1): a stream's failure never makes the server's ERROR. */
export function stateOf({ scheduler, store }: Pick<HealthParts, "scheduler" | "store">) {
  if (scheduler.state === "broken") return "ERROR" as const;
  if (store.liveCount > 0) return "OK" as const;
  return scheduler.state === "loading" ? ("LOADING" as const) : ("IDLE" as const);
}

/**
 * `live`: the process answers. `healthy`: its streams can go on, also while it loads, is full or drains; false only where
 * no engine stays alive (an orchestrator releases every session of a runner at one failed check, live-runner.md 2.4).
 * `draining`: it shuts down and takes no new work. `ready`: it takes new work, and an engine is ready or, having been
 * ready before, is being replaced. `has_capacity`: it is ready and a further stream of the usual size has a place.
 */
export function healthOf(parts: HealthParts) {
  const { scheduler, store, capacity } = parts;
  const ready = scheduler.state === "ready" && store.isOpen;
  return {
    status: stateOf(parts),
    healthy: scheduler.state !== "broken",
    live: true as const,
    draining: !store.isOpen,
    ready,
    has_capacity: ready && capacity.used < capacity.total,
    active_streams: store.liveCount,
    capacity: capacity.total,
    used: capacity.used,
    timestamp: new Date().toISOString(),
  };
}

/** The answer to a check; without one, whether the server is healthy. */
export function passes(health: Health, check: HealthCheck | undefined): boolean {
  switch (check) {
    case undefined:
      return health.healthy;
    case "live":
      return health.live;
    case "ready":
      return health.ready;
    case "capacity":
      return health.has_capacity;
    default:
      return check satisfies never;
  }
}
