/** Remembers how the engines of one supervisor ended, and tells from that when the next one boots and how long it may take. */

const FIRST_BACK_OFF_MS = 100;
const LAST_BACK_OFF_MS = 10_000;
/** An engine that lived this long counts as healthy: the next back-off is short again. */
const HEALTHY_AFTER_MS = 30_000;
/** Time until an engine's first message; doubled after each engine that needed longer. */
const BOOT_MS = 6000;
const LONGEST_BOOT_MS = 48_000;

export class RestartHistory {
  #bootMs = BOOT_MS;
  #shortLives = 0;
  #failedBoots = 0;
  #restarts = 0;

  /** Time of the next engine until its first message. */
  get bootMs(): number {
    return this.#bootMs;
  }
  /** Engines in a row that died young; one that delivers, or lives for a while, resets it. */
  get shortLives(): number {
    return this.#shortLives;
  }
  /** Starts in a row that ended before the engine was ready. */
  get failedBoots(): number {
    return this.#failedBoots;
  }
  get restarts(): number {
    return this.#restarts;
  }

  /** The engine is ready. */
  ready(): void {
    this.#bootMs = BOOT_MS;
    this.#failedBoots = 0;
  }

  /** The engine has delivered what it was asked for. */
  delivered(): void {
    this.#shortLives = 0;
  }

  /** The engine died this many milliseconds after its start. Returns those until the next one boots. */
  died({ livedMs, wasReady }: { readonly livedMs: number; readonly wasReady: boolean }): number {
    this.#restarts++;
    this.#shortLives = livedMs < HEALTHY_AFTER_MS ? this.#shortLives + 1 : 1;
    if (!wasReady) {
      this.#failedBoots++;
      this.#bootMs = Math.min(LONGEST_BOOT_MS, this.#bootMs * 2);
    }
    return Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.#shortLives - 1));
  }
}
