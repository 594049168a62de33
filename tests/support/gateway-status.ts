/** What a gateway's status endpoint answers: the latest status event over what the gateway itself knows (protocol.md 5.3, 7.4). */

/** A gateway clears the store once, so long after it has subscribed. */
export const STATUS_WIPE_MS = 60_000;
/** Members that stay when an event sends them as null. */
const CARRIED = ["last_params", "last_restart_logs"];

type Members = Readonly<Record<string, unknown>>;

export class StatusStore {
  /** Longest time, after the wipe, in which the endpoint answered 404. */
  longestMissingMs = 0;
  readonly #wipeAt: number;
  #stored: Members | null;
  #missingSince: number | null = null;
  #wiped = false;

  /** `own`: what the gateway has put in itself. */
  constructor(own: Members, now: number) {
    this.#stored = own;
    this.#wipeAt = now + STATUS_WIPE_MS;
  }

  /** Null is a 404. */
  at(now: number): Members | null {
    this.#advance(now);
    if (this.#missingSince !== null)
      this.longestMissingMs = Math.max(this.longestMissingMs, now - this.#missingSince);
    return this.#stored;
  }

  /** A status event: it replaces the whole map. */
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
