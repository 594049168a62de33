/** Holds the server's channels by name: creates them at their peer's expense and closes them when they are idle. */
import { getLogger } from "../../log.ts";
import { Channel } from "./channel.ts";
import type { Quota } from "./quota.ts";
import { SegmentMemory } from "./segment-memory.ts";

interface Entry {
  readonly channel: Channel;
  /** Of the peer that created it. */
  readonly quota: Quota;
}

// Names are credentials: no log line shows one.
const log = getLogger("trickle");

export class ChannelTable {
  readonly #entries = new Map<string, Entry>();
  readonly #memory = new SegmentMemory();
  readonly #maxSegmentBytes: number;

  constructor(maxSegmentBytes: number) {
    this.#maxSegmentBytes = maxSegmentBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(name: string): Channel | undefined {
    return this.#entries.get(name)?.channel;
  }

  /** Creates a channel, which must not exist yet; returns the quota that is exhausted if there is no room for it. */
  create(name: string, mime: string, quota: Quota): Channel | Quota {
    const exhausted = quota.take(1);
    if (exhausted) return exhausted;
    const maxSegmentBytes = this.#maxSegmentBytes;
    const channel = new Channel({ mime, memory: this.#memory, maxSegmentBytes });
    this.#entries.set(name, { channel, quota });
    log.debug("channel created", { mime, channels: this.size });
    return channel;
  }

  /** Closes and removes a channel; false if there is none. */
  close(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    entry.channel.close();
    entry.quota.give(1);
    log.debug("channel closed", { channels: this.size });
    return true;
  }

  /** Closes every channel that is idle for longer. */
  closeIdle(idleMs: number): void {
    for (const [name, { channel }] of [...this.#entries])
      if (channel.idleMs > idleMs) this.close(name);
  }

  closeAll(): void {
    for (const name of [...this.#entries.keys()]) this.close(name);
  }
}
