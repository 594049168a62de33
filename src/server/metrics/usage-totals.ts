/** Adds up the usage of all streams, ended and live, for `GET /metrics`. */
import { Counter, type Registry } from "prom-client";
import { PROTOCOL_NAMES } from "../protocols/control-protocol.ts";
import type { Stream } from "../streams/stream.ts";

const STATES = ["live", "fallback", "paused"] as const;

/** Milliseconds in each state, and thousands of pixels: integers, so that rounding never lets a total fall. */
interface Totals extends Record<(typeof STATES)[number], number> {
  kilopixels: number;
}

export class UsageTotals {
  readonly #live = new Set<Stream>();
  readonly #ended = new Map(PROTOCOL_NAMES.map((name) => [name, noUsage()]));

  constructor(registry: Registry) {
    this.#counter(
      registry,
      "stream_seconds_total",
      "Seconds that streams were live, on fallback or paused, by the protocol that started them",
      ["protocol", "state"],
      (counter, protocol, totals) => {
        for (const state of STATES) counter.inc({ protocol, state }, totals[state] / 1000);
      },
    );
    this.#counter(
      registry,
      "stream_megapixels_total",
      "Pixels of the frames that were published, in millions, by the protocol of their stream",
      ["protocol"],
      (counter, protocol, { kilopixels }) => counter.inc({ protocol }, kilopixels / 1000),
    );
  }

  /** From now on the stream counts. */
  add(stream: Stream): void {
    this.#live.add(stream);
  }

  /** The stream is over: keeps its usage in the totals, and drops the stream. */
  close(stream: Stream): void {
    this.#live.delete(stream);
    addUsage(this.#ended.get(stream.protocol.name), stream);
  }

  #counter(
    registry: Registry,
    name: string,
    help: string,
    labelNames: string[],
    read: (counter: Counter<string>, protocol: string, totals: Totals) => void,
  ): void {
    const totals = () => this.#totals();
    new Counter({
      name: `comfystream_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset(); // the totals are counted anew at every scrape
        for (const [protocol, sum] of totals()) read(this, protocol, sum);
      },
    });
  }

  #totals(): ReadonlyMap<string, Totals> {
    const totals = new Map([...this.#ended].map(([name, ended]) => [name, { ...ended }]));
    for (const stream of this.#live) addUsage(totals.get(stream.protocol.name), stream);
    return totals;
  }
}

const noUsage = (): Totals => ({ live: 0, fallback: 0, paused: 0, kilopixels: 0 });

function addUsage(totals: Totals | undefined, { usage }: Stream): void {
  if (totals === undefined) return;
  const fallbackMs = thousandths(usage.fallback_s);
  totals.live += thousandths(usage.active_s) - fallbackMs;
  totals.fallback += fallbackMs;
  totals.paused += thousandths(usage.paused_s);
  totals.kilopixels += thousandths(usage.megapixels);
}

const thousandths = (value: number): number => Math.round(value * 1000);
