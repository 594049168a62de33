/** Hides when one capability is registered with one orchestrator, again and again (protocol.md 2.3). */
import { getLogger } from "../../../../log.ts";
import { pause } from "../../../../streams/pause.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Admission } from "../../../admission.ts";
import type { Offer } from "./offer.ts";
import type { OrchestratorClient, Outcome } from "./orchestrator-client.ts";

const log = getLogger("registration");

const FIRST_BACK_OFF_MS = 1000;
const LAST_BACK_OFF_MS = 30_000;
/** An operator has something to put right. */
const REFUSED_MS = 60_000;
/** An orchestrator forgets silently: it restarts, or drops what one connection failed to. */
const RENEW_MS = 60_000;
/** An orchestrator counts a job until it has read our answer's end; a count that restarts before goes below zero. */
const SETTLE_MS = 2000;

/** The passing of time, for tests to take over. */
export interface Timing {
  /** Resolves after `ms`, or as soon as the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const REAL_TIME: Timing = { wait: pause, random: Math.random };

/** One name at one orchestrator. */
export interface Entry {
  readonly client: Pick<OrchestratorClient, "url" | "register" | "unregister">;
  readonly offer: Offer;
  /** Whether the orchestrator may have it. */
  held: boolean;
}

/**
 * Until `stop` aborts: tries for ever; once registered, renews while nothing runs, and once when the last place is given
 * back, since renewing resets the orchestrator's count of what runs. Never throws.
 */
export async function keepRegistered(
  entry: Entry,
  places: Pick<Admission, "taken" | "emptied">,
  { wait, random }: Timing,
  stop: AbortSignal,
): Promise<void> {
  let last: Outcome | null = null;
  for (let failures = 0; !stop.aborted; ) {
    const outcome = await attempt(entry, stop);
    if (stop.aborted) return;
    tell(entry, outcome, last);
    last = outcome;
    failures = outcome.kind === "unreachable" ? failures + 1 : 0;
    switch (outcome.kind) {
      case "done":
        await untilIdle(places, wait, stop);
        break;
      case "refused":
        await wait(REFUSED_MS, stop);
        break;
      case "unreachable": {
        const longest = Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (failures - 1));
        await wait(longest * (0.5 + random() / 2), stop);
      }
    }
  }
}

async function attempt(entry: Entry, stop: AbortSignal): Promise<Outcome> {
  const before = entry.held;
  entry.held = true;
  const outcome = await entry.client.register(entry.offer, stop);
  // What the end of this server has cut short may have arrived.
  if (!stop.aborted) entry.held = outcome.kind === "done" || before;
  return outcome;
}

/** The next time to register again. */
async function untilIdle(
  places: Pick<Admission, "taken" | "emptied">,
  wait: Timing["wait"],
  stop: AbortSignal,
): Promise<void> {
  const { emptied } = places;
  if (places.taken === 0) {
    const early = new AbortController();
    const waited = wait(RENEW_MS, AbortSignal.any([stop, early.signal])).then(() => false);
    const worked = await Promise.race([waited, emptied.then(() => true)]);
    early.abort();
    if (worked) await wait(SETTLE_MS, stop);
  }
  while (places.taken > 0 && !stop.aborted) {
    await untilAborted(places.emptied, stop);
    await wait(SETTLE_MS, stop);
  }
}

/** Once for each thing that happens, not for each time that it does. */
function tell({ client, offer }: Entry, outcome: Outcome, last: Outcome | null): void {
  const { name: capability, url, capacity } = offer;
  const orchestrator = client.url;
  if (outcome.kind === "done") {
    const fields = { capability, orchestrator, url, capacity };
    if (last?.kind === "done") log.debug("registration renewed", fields);
    else log.info("registered", fields);
    return;
  }
  if (last !== null && last.kind !== "done" && last.says === outcome.says) return;
  const fields = { capability, orchestrator, why: outcome.says };
  if (outcome.kind === "refused") log.error("not registered: tries every 60 s", fields);
  else log.warn("orchestrator not reached: keeps trying", fields);
}
