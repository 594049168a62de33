/** Opens one channel of the trickle benchmark, with its publisher and its subscriber: over trickle, or over bare sockets. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Arrivals } from "./arrivals.ts";
import { openPacedPublisher, pace } from "./paced-publisher.ts";
import { readChannel } from "./read-channel.ts";

export interface Link extends AsyncDisposable {
  /** Publishes chunks at 30 a second; returns when each was written (`performance.now()`). */
  play(chunks: readonly Uint8Array[]): Promise<number[]>;
}

/** Opens channel number `n` of the server at `base`. What its subscriber reads goes to `arrivals`. */
export type OpenLink = (base: string, n: number, arrivals: Arrivals) => Promise<Link>;

export const openTrickleLink: OpenLink = async (base, n, arrivals) => {
  const url = `${base}/bench-${n}`;
  const publisher = await openPacedPublisher(url);
  const stop = new AbortController();
  const reading = readChannel(url, stop.signal, ({ data, first, arrivedAt }) =>
    arrivals.push(data, arrivedAt, first),
  ).catch(() => {}); // what does not arrive any more counts as lost
  return {
    play: (chunks) => publisher.play(chunks),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
      await publisher[Symbol.asyncDispose]();
    },
  };
};

/** Of `raw-relay.ts`. Only one may be opened at a time: connections are paired in the order in which they are made. */
export const openRawLink: OpenLink = async (base, _n, arrivals) => {
  const port = Number(new URL(base).port);
  const publisher = await connected(port);
  const subscriber = await connected(port);
  subscriber.on("data", (bytes: Uint8Array) => arrivals.push(bytes, performance.now()));
  return {
    play: (chunks) =>
      pace(chunks, (chunk) => new Promise((resolve) => publisher.write(chunk, resolve))),
    async [Symbol.asyncDispose]() {
      for (const socket of [publisher, subscriber]) socket.destroy();
    },
  };
};

async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}
