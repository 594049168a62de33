/** Keeps track of segments that are being transferred and cuts off those whose peer has stopped. */

/** One segment on its way in or out. */
export interface Transfer {
  /** When the peer last sent or took bytes (`performance.now()`); null while it is not the peer that is waited for. */
  waitingSince(): number | null;
  /** Ends the transfer and frees what it holds. */
  cut(): void;
}

/** All transfers of a server. */
export class Transfers {
  readonly #open = new Set<Transfer>();

  /** Adds a transfer until the returned function is called. */
  add(transfer: Transfer): () => void {
    this.#open.add(transfer);
    return () => {
      this.#open.delete(transfer);
    };
  }

  /** Cuts off every transfer that has waited for its peer for `maxMs`; returns how many. */
  cutStalled(maxMs: number): number {
    const limit = performance.now() - maxMs;
    const stalled = [...this.#open].filter((transfer) => {
      const since = transfer.waitingSince();
      return since !== null && since <= limit;
    });
    for (const transfer of stalled) transfer.cut();
    return stalled.length;
  }
}
