/** Simulates a gateway's status endpoint: the latest status event merged over the gateway's own data (protocol.md 5.3, 7.4). */

/** Time after subscribing at which a gateway clears its store, once. */
export const STATUS_WIPE_MS = 60_000;
/** Members that keep their value if an event sends null. */
const CARRIED = ["last_params", "last_restart_logs"];

type Members = Readonly<Record<string, unknown>>;

export class StatusStore {
  /** Longest time after the wipe during which the endpoint answered 404. */
  longestMissingMs = 0;
  readonly #wipeAt: number;
  #stored: Members | null;
  #missingSince: number | null = null;
  #wiped = false;

  /** `own` is the gateway's own data. */
  constructor(own: Members, now: number) {
    this.#stored = own;
    this.#wipeAt = now + STATUS_WIPE_MS;
  }

  /** The endpoint's body; null is a 404. */
  at(now: number): Members | null {
    this.#advance(now);
    if (this.#missingSince !== null)
      this.longestMissingMs = Math.max(this.longestMissingMs, now - this.#missingSince);
    return this.#stored;
  }

  /** Takes a status event, which replaces the whole map. */
  take(event: Members, now: number): void {
    const before = this.at(now);
    const { inference_status: inference } = event as { inference_status?: Members };
    const earlier = (before?.["inference_status"] ?? {}) as Members;
    const carried = CARRIED.filter((name) => inference?.[name] === null && earlier[name] != null);
    const kept = Object.fromEntries(carried.map((name) => [name, earlier[name]]));
    this.#stored = { ...event, ...(inference && { inference_status: { ...inference, ...kept } }) };
    this.#missingSince = null;
  }

  #advance(now: number): void {
    if (this.#wiped || now < this.#wipeAt) return;
    this.#wiped = true;
    this.#stored = null;
    this.#missingSince = this.#wipeAt;
  }
}
