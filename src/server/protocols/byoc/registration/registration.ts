/** Registers every capability with every orchestrator, keeps that up, and withdraws it at the end. */

import { answerTimeout } from "../../../../answer-timeout.ts";
import { getLogger } from "../../../../log.ts";
import type { Capacity } from "../../../capacity.ts";
import { REAL_RETRIES, type RetryTiming } from "../../registration-retry.ts";
import { type Entry, keepRegistered, type UnsupportedLevel } from "./keep-registered.ts";
import type { Offer } from "./offer.ts";
import type { OrchestratorClient } from "./orchestrator-client.ts";

const log = getLogger("registration");

const LEAVE_MS = 2000;

export interface RegistrationOptions {
  readonly orchestrators: readonly OrchestratorClient[];
  readonly offers: readonly Omit<Offer, "capacity">[];
  readonly capacity: Capacity;
  /** How an orchestrator without BYOC is logged. Default: as an error. */
  readonly unsupportedLevel?: UnsupportedLevel;
  /** Default: real time. */
  readonly timing?: RetryTiming;
}

export interface RegistrationState {
  readonly capability: string;
  readonly orchestrator: string;
  readonly accepted: boolean;
  /** When it was registered; null while it is not. */
  readonly since: Date | null;
  /** Why the last attempt failed; null where it did not. */
  readonly failure: string | null;
}

/** Every capability at every orchestrator, each with its own retries. */
export class Registration {
  readonly #entries: readonly Entry[];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /** Registers as soon as there is capacity; HTTP must answer by then. */
  constructor({
    orchestrators,
    offers,
    capacity,
    unsupportedLevel = "error",
    timing = REAL_RETRIES,
  }: RegistrationOptions) {
    this.#entries = orchestrators.flatMap((client) =>
      offers.map((offer) => ({ client, offer, unsupportedLevel, held: false })),
    );
    this.#running = Promise.all(
      this.#entries.map((entry) => keepRegistered(entry, capacity, timing, this.#stop.signal)),
    );
  }

  /** Whether each orchestrator accepted each capability at the last attempt. */
  get states(): readonly RegistrationState[] {
    return this.#entries.map(({ client, offer, since = null, failure = null }) => ({
      capability: offer.name,
      orchestrator: client.url,
      accepted: since !== null,
      since,
      failure,
    }));
  }

  /** Stops renewing; what orchestrators have stays. Never throws. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Withdraws what orchestrators may have, all at once and within 2 s. Never throws. */
  async leave(): Promise<void> {
    await this.stop();
    using late = answerTimeout(LEAVE_MS);
    const held = this.#entries.filter((entry) => entry.held);
    await Promise.all(
      held.map(async ({ client, offer }) => {
        const outcome = await client.unregister(offer.name, late.signal);
        const fields = { capability: offer.name, orchestrator: client.url };
        if (outcome.kind === "done") log.info("unregistered", fields);
        else log.warn("not unregistered", { ...fields, why: outcome.message });
      }),
    );
  }
}
