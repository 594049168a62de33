/** Adds up the histograms that engines report by bucket, so that totals survive an engine's death. */
import { Histogram, type HistogramConfiguration } from "prom-client";
import { DURATION_BOUNDS_MS, type Durations } from "../../engine/protocol/metrics.ts";

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: Labels;
  /** By bucket, the last for values beyond all bounds. */
  readonly counts: number[];
  sumSeconds: number;
}

type Exported = Awaited<ReturnType<Histogram<string>["get"]>>;

export class HistogramTotals extends Histogram<string> {
  readonly #name: string;
  /** Gives the members that the registry reads beside the values. */
  readonly #empty: Histogram<string>;
  readonly #series = new Map<string, Series>();

  constructor(options: Pick<HistogramConfiguration<string>, "name" | "help" | "registers">) {
    super(options);
    this.#name = options.name;
    this.#empty = new Histogram({ ...options, registers: [] });
  }

  /** Adds durations to one series; without any it appears with zeros. */
  add(labels: Labels, durations?: Durations): void {
    const key = JSON.stringify(labels);
    const known = this.#series.get(key);
    const counts = new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0);
    const series = known ?? { labels, counts, sumSeconds: 0 };
    if (known === undefined) this.#series.set(key, series);
    if (durations === undefined) return;
    for (const [bucket, count] of durations.counts.entries())
      series.counts[bucket] = (series.counts[bucket] ?? 0) + count;
    series.sumSeconds += durations.sum_ms / 1000;
  }

  override async get(): Promise<Exported> {
    const values = [...this.#series.values()].flatMap((series) => this.#exported(series));
    return { ...(await this.#empty.get()), values };
  }

  /** A registry asks histograms for this in place of `get`. */
  getForPromString(): Promise<Exported> {
    return this.get();
  }

  #exported({ labels, counts, sumSeconds }: Series): Exported["values"] {
    let sum = 0;
    const buckets = counts.map((count, at) => {
      sum += count;
      const bound = DURATION_BOUNDS_MS[at];
      const le = bound === undefined ? "+Inf" : String(bound / 1000);
      return { metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: sum };
    });
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: sumSeconds },
      { metricName: `${this.#name}_count`, labels, value: sum },
    ];
  }
}
