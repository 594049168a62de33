/** Counts how much of a limited resource is in use, in shares that lie within shares. */

export interface QuotaOptions {
  readonly limit: number;
  /** The quota that this one is a share of. What is taken here is taken there as well. */
  readonly parent?: Quota;
  /** The limit holds for a single peer, not for many together. Only used in error messages. */
  readonly scope?: "peer" | "shared";
}

/**
 * A limit on bytes, channels or requests. Quotas form a tree: an amount is taken from a quota and from all its
 * ancestors, or from none of them.
 *
 * @example
 * const total = new Quota({ limit: 128 });
 * const guests = new Quota({ limit: 96, parent: total }); // 32 stay free for others
 * if (guests.take(1) === null) guests.give(1);
 */
export class Quota {
  readonly limit: number;
  readonly scope: "peer" | "shared";
  readonly #parent: Quota | undefined;
  #used = 0;

  constructor({ limit, parent, scope = "shared" }: QuotaOptions) {
    this.limit = limit;
    this.scope = scope;
    this.#parent = parent;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes the amount and returns null, or takes nothing and returns the quota that has no room for it. */
  take(amount: number): Quota | null {
    const exhausted = this.exhaustedBy(amount);
    if (exhausted === null) this.#add(amount);
    return exhausted;
  }

  /** Returns an amount that was taken. */
  give(amount: number): void {
    this.#add(-amount);
  }

  /** The first quota, from this one upwards, without room for the amount; null if there is room. */
  exhaustedBy(amount: number): Quota | null {
    if (this.#used + amount > this.limit) return this;
    return this.#parent?.exhaustedBy(amount) ?? null;
  }

  /** True for itself and for every share of `other`. */
  isWithin(other: Quota): boolean {
    return this === other || (this.#parent?.isWithin(other) ?? false);
  }

  #add(amount: number): void {
    this.#used += amount;
    if (this.#parent) this.#parent.#add(amount);
  }
}
