/**
 * Keeps one capability registered with one orchestrator (protocol.md 2.3): retries, renews, follows the capacity, and
 * withdraws the registration while the server cannot serve.
 *
 * go-livepeer counts jobs in the registration that a new one replaces, so its count restarts at 0, and each job that was
 * running lowers it below 0 when it ends. What is registered is therefore the capacity less what is in use: capacity minus
 * count is then right at once, and stays right as those jobs end. A job that is on its way at that moment is counted
 * wrongly until the next renewal.
 */
import { getLogger, type LogLevel } from "../../../../log.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Capacity } from "../../../capacity.ts";
import { backOffMs, REFUSED_MS, type RetryTiming } from "../../registration-retry.ts";
import type { Offer } from "./offer.ts";
import type { OrchestratorClient, Outcome } from "./orchestrator-client.ts";

const log = getLogger("registration");

/** Orchestrators forget without notice: they restart, or drop a capability after one failed connection. */
const RENEW_MS = 60_000;
/** An orchestrator counts a job until it has read the end of our answer. */
const SETTLE_MS = 2000;
/** How long the server may be unable to serve before it withdraws its registration. */
const WITHDRAW_MS = 10_000;

/** A capacity that differs from every real one. */
const NOT_REGISTERED = -1;

/** How an orchestrator without BYOC is logged: where it may take a live runner, it is no error. */
export type UnsupportedLevel = Extract<LogLevel, "warning" | "error">;

/** One name at one orchestrator. */
export interface Entry {
  readonly client: Pick<OrchestratorClient, "url" | "register" | "unregister">;
  readonly offer: Omit<Offer, "capacity">;
  readonly unsupportedLevel: UnsupportedLevel;
  /** Whether the orchestrator may have it. */
  held: boolean;
  /** When the orchestrator accepted it; null if it did not at the last attempt. */
  since?: Date | null;
  /** Why the last attempt failed; null if it did not. */
  failure?: string | null;
}

type CapacityEvent = "changed" | "emptied";

/** Waits for events of the capacity. Follows each promise once: otherwise every wait would leave a reaction on it. */
class CapacityWatch {
  readonly capacity: Capacity;
  readonly #followed = new Map<CapacityEvent, Promise<void>>();
  #notify: (event: CapacityEvent) => void = () => {};

  constructor(capacity: Capacity) {
    this.capacity = capacity;
  }

  /** Settles with the next event from now on. */
  next(): Promise<CapacityEvent> {
    const { promise, resolve } = Promise.withResolvers<CapacityEvent>();
    this.#notify = resolve;
    this.#follow("changed", this.capacity.changed);
    this.#follow("emptied", this.capacity.emptied);
    return promise;
  }

  #follow(event: CapacityEvent, promise: Promise<void>): void {
    if (this.#followed.get(event) === promise) return;
    this.#followed.set(event, promise);
    void promise.then(() => this.#notify(event));
  }
}

/** Runs until `stop` aborts. Never throws. */
export async function keepRegistered(
  entry: Entry,
  capacity: Capacity,
  timing: RetryTiming,
  stop: AbortSignal,
): Promise<void> {
  const watch = new CapacityWatch(capacity);
  let last: { outcome: Outcome; total: number } | null = null;
  for (let failures = 0; !stop.aborted; ) {
    if (capacity.total === 0 && entry.held)
      await untilRenewal(NOT_REGISTERED, entry, watch, timing, stop);
    await untilServing(capacity, stop);
    if (stop.aborted) return;
    const { total, used } = capacity;
    const outcome = await attempt(entry, total - used, stop);
    if (stop.aborted) return;
    logOutcome(entry, { outcome, total, used }, last);
    last = { outcome, total };
    failures = outcome.kind === "unreachable" ? failures + 1 : 0;
    switch (outcome.kind) {
      case "done":
        await untilRenewal(total, entry, watch, timing, stop);
        break;
      case "refused":
      case "unsupported":
        await timing.wait(REFUSED_MS, stop);
        break;
      case "unreachable":
        await timing.wait(backOffMs(failures - 1, timing), stop);
    }
  }
}

async function attempt(entry: Entry, capacity: number, stop: AbortSignal): Promise<Outcome> {
  const before = entry.held;
  entry.held = true;
  const outcome = await entry.client.register({ ...entry.offer, capacity }, stop);
  // A request that the server's end cut short may have arrived.
  if (!stop.aborted) entry.held = outcome.kind === "done" || before;
  const isDone = outcome.kind === "done";
  entry.since = isDone ? (entry.since ?? new Date()) : null;
  entry.failure = isDone ? null : outcome.message;
  return outcome;
}

async function withdraw(entry: Entry, stop: AbortSignal): Promise<void> {
  const outcome = await entry.client.unregister(entry.offer.name, stop);
  if (stop.aborted) return;
  const fields = { capability: entry.offer.name, orchestrator: entry.client.url };
  if (outcome.kind === "done") {
    entry.held = false;
    entry.since = null;
    entry.failure = "no engine works";
    log.warn("unregistered: no engine works", fields);
  } else log.warn("not unregistered although no engine works", { ...fields, why: outcome.message });
}

/** Settles when the server can serve. */
async function untilServing(capacity: Capacity, signal: AbortSignal): Promise<void> {
  while (capacity.total === 0 && !signal.aborted) await untilAborted(capacity.changed, signal);
}

/**
 * Settles when it is time to register again: when the capacity has changed, after a while, when nothing is in use any
 * more, or when the registration was withdrawn because nothing can be served. `registered`: the total of last time.
 */
async function untilRenewal(
  registered: number,
  entry: Entry,
  watch: CapacityWatch,
  { wait }: RetryTiming,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const { total } = watch.capacity;
    if (total > 0 && total !== registered) return;
    const early = new AbortController();
    const ms = total > 0 ? RENEW_MS : WITHDRAW_MS;
    const late = wait(ms, AbortSignal.any([stop, early.signal])).then(() => "late" as const);
    const event = await untilAborted(Promise.race([watch.next(), late]), stop);
    early.abort();
    if (event === "late") return total > 0 ? undefined : await withdraw(entry, stop);
    if (event === "emptied" && total > 0) return await wait(SETTLE_MS, stop);
  }
}

/** Logs each thing that happens once, not each time that it does. */
function logOutcome(
  { client, offer, unsupportedLevel }: Entry,
  { outcome, total, used }: { outcome: Outcome; total: number; used: number },
  last: { outcome: Outcome; total: number } | null,
): void {
  const { name: capability, url } = offer;
  const orchestrator = client.url;
  if (outcome.kind === "done") {
    const fields = { capability, orchestrator, url, capacity: total, used };
    const isRenewal = last?.outcome.kind === "done" && last.total === total;
    if (isRenewal) log.debug("registration renewed", fields);
    else log.info("registered", fields);
    return;
  }
  const before = last?.outcome;
  if (before && before.kind !== "done" && before.message === outcome.message) return;
  const fields = { capability, orchestrator, why: outcome.message };
  if (outcome.kind === "unreachable") log.warn("orchestrator not reached: still trying", fields);
  else if (outcome.kind === "unsupported" && unsupportedLevel === "warning")
    log.warn("not registered: retried every 60 s", fields);
  else log.error("not registered: retried every 60 s", fields);
}
