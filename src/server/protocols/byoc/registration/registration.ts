/** Hides that capabilities are registered one by one with each orchestrator, and taken back at the end. */
import { getLogger } from "../../../../log.ts";
import type { Admission } from "../../../admission.ts";
import { type Entry, keepRegistered, REAL_TIME, type Timing } from "./keep-registered.ts";
import type { Offer } from "./offer.ts";
import { OrchestratorClient } from "./orchestrator-client.ts";

const log = getLogger("registration");

const LEAVE_MS = 2000;

export interface RegistrationOptions {
  /** Base URLs. */
  readonly orchestrators: readonly string[];
  readonly secret: string;
  readonly offers: readonly Offer[];
  /** What runs here, of any capability: registering again must wait for it. */
  readonly places: Pick<Admission, "taken" | "emptied">;
  readonly timing?: Timing;
}

/** Every capability at every orchestrator, each with its own retries. */
export class Registration {
  readonly #entries: readonly Entry[];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /** Begins at once: HTTP answers by then. */
  constructor({ orchestrators, secret, offers, places, timing = REAL_TIME }: RegistrationOptions) {
    this.#entries = orchestrators.flatMap((url) => {
      const client = new OrchestratorClient(url, secret);
      return offers.map((offer) => ({ client, offer, held: false }));
    });
    this.#running = Promise.all(
      this.#entries.map((entry) => keepRegistered(entry, places, timing, this.#stop.signal)),
    );
  }

  /** Takes back what orchestrators may have, all at once and within 2 s. Never throws. */
  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const deadline = AbortSignal.timeout(LEAVE_MS);
    const held = this.#entries.filter((entry) => entry.held);
    await Promise.all(
      held.map(async ({ client, offer }) => {
        const outcome = await client.unregister(offer.name, deadline);
        const fields = { capability: offer.name, orchestrator: client.url };
        if (outcome.kind === "done") log.info("unregistered", fields);
        else log.warn("not unregistered", { ...fields, why: outcome.says });
      }),
    );
  }
}
