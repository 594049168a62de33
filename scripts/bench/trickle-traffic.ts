/** Sends traffic through a trickle server: `bun trickle-traffic.ts <base URL> <channels>` prints the URL once every reader has data. */
import { openPacedPublisher } from "./paced-publisher.ts";
import { readChannel } from "./read-channel.ts";

/** 4 Mbit/s at 30 chunks a second. */
const CHUNK = new Uint8Array(Math.round(4e6 / 8 / 30)).fill(0x47);

const [base = "", channels = ""] = process.argv.slice(2);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new DOMException("asked to end", "AbortError")));

function* endless(): Generator<Uint8Array> {
  for (;;) yield CHUNK;
}

/** Settles when the traffic has been stopped and everything is closed; `flows` is called at the first bytes read. */
async function channel(url: string, flows: () => void): Promise<void> {
  await using publisher = await openPacedPublisher(url);
  const reading = readChannel(url, stop.signal, ({ data }) => {
    if (data.length > 0) flows();
  });
  await publisher.play(endless(), stop.signal);
  await reading;
}

const flowing = Array.from({ length: Number(channels) }, () => Promise.withResolvers<void>());
const running = flowing.map(({ resolve }, index) =>
  channel(`${base}/trickle/traffic-${index}`, resolve),
);
await Promise.race([Promise.all(flowing.map(({ promise }) => promise)), Promise.all(running)]);
console.log(base);
await Promise.all(running);
process.exit(0);
