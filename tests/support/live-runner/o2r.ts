/** Writes a runner's o2r channel: session events, and a keepalive in between (live-runner.md 2.3). */
import type { TricklePort } from "./trickle-port.ts";

export type SessionEvent = "reserved" | "released";

/** Members of an answer that name a channel. */
export interface ChannelDescriptor {
  readonly name: string;
  readonly channel_name: string;
  readonly url: string;
  readonly internal_url?: string;
  readonly mime_type: string;
}

export class O2rChannel {
  /** Part of the bootstrap answer. */
  readonly descriptor: ChannelDescriptor;
  /** True: nothing is written any more, but the channel stays. */
  silent = false;
  readonly #trickle: TricklePort;
  readonly #keepAlive: Timer;
  #written: Promise<unknown>;

  constructor(trickle: TricklePort, descriptor: ChannelDescriptor, intervalMs: number) {
    this.descriptor = descriptor;
    this.#trickle = trickle;
    this.#written = trickle.make(descriptor.channel_name, descriptor.mime_type);
    this.#keepAlive = setInterval(() => this.#write({ keep: "alive" }), intervalMs);
  }

  /** Does not wait: the event may arrive after what follows it. */
  send(event: SessionEvent, session: string): void {
    this.#write({ event, session, timestamp: new Date().toISOString() });
  }

  async close(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#written;
    await this.#trickle.close(this.descriptor.channel_name);
  }

  #write(message: object): void {
    if (this.silent) return;
    const text = JSON.stringify(message);
    this.#written = this.#written.then(() =>
      this.#trickle.write(this.descriptor.channel_name, text),
    );
  }
}
