/**
 * Keeps one capability registered with one orchestrator (protocol.md 2.3): retries, renews while nothing runs, follows
 * the capacity of the engines, and withdraws the registration while the server cannot serve.
 */
import { getLogger } from "../../../../log.ts";
import { pause } from "../../../../streams/pause.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Admission } from "../../../admission.ts";
import type { Offer } from "./offer.ts";
import type { OrchestratorClient, Outcome } from "./orchestrator-client.ts";
import { capacityAt, type Readiness } from "./readiness.ts";

const log = getLogger("registration");

const FIRST_BACK_OFF_MS = 1000;
const LAST_BACK_OFF_MS = 30_000;
/** Interval of tries after a refusal: an operator has to correct a setting. */
const REFUSED_MS = 60_000;
/** Orchestrators forget without notice: they restart, or drop a capability after one failed connection. */
const RENEW_MS = 60_000;
/** An orchestrator counts a job until it has read the end of our answer; its count must not restart before. */
const SETTLE_MS = 2000;
/** How long the server may be unable to serve before it withdraws its registration. */
const WITHDRAW_MS = 10_000;

/** A capacity that differs from every real one. */
const NOT_REGISTERED = -1;

/** Clock; replaced in tests. */
export interface Timing {
  /** Resolves after `ms`, or as soon as the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const REAL_TIME: Timing = { wait: pause, random: Math.random };

/** What the registration must wait for and follow. */
export interface Serving {
  /** Whatever runs here, of any capability: renewing resets the orchestrator's count of what runs. */
  readonly admission: Pick<Admission, "taken" | "emptied">;
  readonly readiness: Readiness;
}

/** One name at one orchestrator. */
export interface Entry {
  readonly client: Pick<OrchestratorClient, "url" | "register" | "unregister">;
  /** Its capacity is that with all devices. */
  readonly offer: Offer;
  /** Whether the orchestrator may have it. */
  held: boolean;
}

type ServingEvent = "changed" | "emptied";

/** Waits for changes in what is served. Follows each promise once: otherwise every wait would leave a reaction on it. */
class ServingWatch {
  readonly serving: Serving;
  readonly #followed = new Map<ServingEvent, Promise<void>>();
  #notify: (event: ServingEvent) => void = () => {};

  constructor(serving: Serving) {
    this.serving = serving;
  }

  /** Settles with the first of these events from now on. */
  next(...events: readonly ServingEvent[]): Promise<ServingEvent> {
    const { promise, resolve } = Promise.withResolvers<ServingEvent>();
    this.#notify = (event) => events.includes(event) && resolve(event);
    this.#follow("changed", this.serving.readiness.changed);
    this.#follow("emptied", this.serving.admission.emptied);
    return promise;
  }

  #follow(event: ServingEvent, promise: Promise<void>): void {
    if (this.#followed.get(event) === promise) return;
    this.#followed.set(event, promise);
    void promise.then(() => this.#notify(event));
  }
}

/** Runs until `stop` aborts. Never throws. */
export async function keepRegistered(
  entry: Entry,
  serving: Serving,
  timing: Timing,
  stop: AbortSignal,
): Promise<void> {
  const watch = new ServingWatch(serving);
  let last: { outcome: Outcome; capacity: number } | null = null;
  for (let failures = 0; !stop.aborted; ) {
    if (serving.readiness.share === 0 && entry.held)
      await untilRenewal(NOT_REGISTERED, entry, watch, timing, stop);
    await untilServing(serving.readiness, stop);
    if (stop.aborted) return;
    const capacity = capacityAt(entry.offer.capacity, serving.readiness);
    const outcome = await attempt(entry, capacity, stop);
    if (stop.aborted) return;
    logOutcome(entry, { outcome, capacity }, last);
    last = { outcome, capacity };
    failures = outcome.kind === "unreachable" ? failures + 1 : 0;
    switch (outcome.kind) {
      case "done":
        await untilRenewal(capacity, entry, watch, timing, stop);
        break;
      case "refused":
        await timing.wait(REFUSED_MS, stop);
        break;
      case "unreachable": {
        const longest = Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (failures - 1));
        await timing.wait(longest * (0.5 + timing.random() / 2), stop);
      }
    }
  }
}

async function attempt(entry: Entry, capacity: number, stop: AbortSignal): Promise<Outcome> {
  const before = entry.held;
  entry.held = true;
  const outcome = await entry.client.register({ ...entry.offer, capacity }, stop);
  // A request that the server's end cut short may have arrived.
  if (!stop.aborted) entry.held = outcome.kind === "done" || before;
  return outcome;
}

async function withdraw(entry: Entry, stop: AbortSignal): Promise<void> {
  const outcome = await entry.client.unregister(entry.offer.name, stop);
  if (stop.aborted) return;
  const fields = { capability: entry.offer.name, orchestrator: entry.client.url };
  if (outcome.kind === "done") {
    entry.held = false;
    log.warn("unregistered: no engine works", fields);
  } else log.warn("not unregistered although no engine works", { ...fields, why: outcome.message });
}

/** Settles when the server can serve. */
async function untilServing(readiness: Readiness, signal: AbortSignal): Promise<void> {
  while (readiness.share === 0 && !signal.aborted) await untilAborted(readiness.changed, signal);
}

/**
 * Settles when it is time to register again: after a while in which nothing ran, when the last place has been given
 * back, when the capacity has changed and nothing runs, or when the registration was withdrawn because no engine works.
 */
async function untilRenewal(
  registered: number,
  entry: Entry,
  watch: ServingWatch,
  { wait }: Timing,
  stop: AbortSignal,
): Promise<void> {
  const { admission, readiness } = watch.serving;
  for (let worked = false; !stop.aborted; ) {
    const capacity = capacityAt(entry.offer.capacity, readiness);
    const isIdle = admission.taken === 0;
    if (isIdle && capacity > 0 && (worked || capacity !== registered)) return;
    const early = new AbortController();
    const signal = AbortSignal.any([stop, early.signal]);
    const event = await untilAborted(
      Promise.race([
        capacity > 0 ? watch.next("changed", "emptied") : watch.next("changed"),
        ...(capacity === 0 ? [wait(WITHDRAW_MS, signal).then(() => "withdraw")] : []),
        ...(capacity > 0 && isIdle ? [wait(RENEW_MS, signal).then(() => "renew")] : []),
      ]),
      stop,
    );
    early.abort();
    if (event === "renew") return;
    if (event === "withdraw") return await withdraw(entry, stop);
    if (event === "emptied") {
      await wait(SETTLE_MS, stop);
      worked = true;
    }
  }
}

/** Logs each thing that happens once, not each time that it does. */
function logOutcome(
  { client, offer }: Entry,
  { outcome, capacity }: { outcome: Outcome; capacity: number },
  last: { outcome: Outcome; capacity: number } | null,
): void {
  const { name: capability, url } = offer;
  const orchestrator = client.url;
  if (outcome.kind === "done") {
    const fields = { capability, orchestrator, url, capacity };
    const isRenewal = last?.outcome.kind === "done" && last.capacity === capacity;
    if (isRenewal) log.debug("registration renewed", fields);
    else log.info("registered", fields);
    return;
  }
  const before = last?.outcome;
  if (before && before.kind !== "done" && before.message === outcome.message) return;
  const fields = { capability, orchestrator, why: outcome.message };
  if (outcome.kind === "refused") log.error("not registered: retried every 60 s", fields);
  else log.warn("orchestrator not reached: still trying", fields);
}
