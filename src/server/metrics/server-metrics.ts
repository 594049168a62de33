/** Holds every metric of the server and writes them for Prometheus. docs/observability.md lists them. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { DURATION_BOUNDS_MS } from "../../engine/protocol/metrics.ts";
import { ERROR_KINDS } from "../../errors.ts";
import { IMAGE_OUTCOMES } from "../engines/image-queue.ts";
import type { EngineObserver } from "../engines/scheduler.ts";
import type { StoreObserver } from "../streams/store.ts";
import { EngineCounters } from "./engine-counters.ts";
import { countOwnAnswers, registerStateGauges, type ServerState } from "./state-gauges.ts";
import { UsageTotals } from "./usage-totals.ts";

/** The event loop is looked at this often; the default of 10 ms wakes an idle server a hundred times a second. */
const LAG_PRECISION_MS = 100;
/** Metrics of Node.js that mean something in Bun as well. */
const RUNTIME_METRICS =
  /^(process_(?!heap)|nodejs_eventloop_lag_(seconds|p\d\d_seconds|max_seconds)$)/;

type Labels = Readonly<Record<string, string | number>>;

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #engines = new EngineCounters(this.#registry);
  readonly #usage = new UsageTotals(this.#registry);
  readonly #isolated = this.#counter(
    "streams_isolated_total",
    "Streams and pictures that were moved to an engine of their own because one may have died of them",
  );
  readonly #convicted = this.#counter(
    "streams_convicted_total",
    "Streams and pictures that were ended because engines died of them again and again",
  );
  readonly #admitted = this.#counter("streams_started_total", "Streams that were admitted");
  readonly #ended = this.#counter(
    "streams_ended_total",
    "Streams that are over, by the kind of their error; none: in order",
    ["error"],
  );
  /** Requests since the last scrape: prom-client hashes the labels of every `inc`. */
  readonly #unscraped = new Map<string, { readonly labels: Labels; count: number }>();
  readonly #requests = this.#counter(
    "http_requests_total",
    "HTTP requests by method, route and status; route none: there is no such route",
    ["method", "route", "status"],
  );

  readonly #images = new Histogram({
    name: "comfystream_image_duration_seconds",
    help: "Time from the request for a picture until an engine had made it, its wait included, by outcome",
    labelNames: ["outcome"],
    buckets: DURATION_BOUNDS_MS.map((ms) => ms / 1000),
    registers: [this.#registry],
  });

  /** For the scheduler. */
  readonly engineObserver: EngineObserver = {
    measured: (device, metrics) => this.#engines.add(device, metrics),
    imageEnded: (outcome, ms) => this.#images.observe({ outcome }, ms / 1000),
    died: (device, cause) => this.#engines.died(device, cause),
    isolated: () => this.#isolated.inc(),
    convicted: () => this.#convicted.inc(),
  };
  /** For the stream store. */
  readonly storeObserver: StoreObserver = {
    admitted: (stream) => {
      this.#admitted.inc();
      this.#usage.add(stream);
    },
    ended: (stream) => {
      this.#ended.inc({ error: stream.error?.kind ?? "none" });
      this.#usage.close(stream);
    },
  };

  constructor(version: string) {
    const name = "comfystream_build_info";
    const registers = [this.#registry];
    const help = "Always 1; the label is the version";
    new Gauge({ name, help, labelNames: ["version"], registers }).set({ version }, 1);
    for (const outcome of IMAGE_OUTCOMES) this.#images.zero({ outcome });
    // A rate over a series that has just appeared misses its first step.
    for (const error of ["none", ...ERROR_KINDS]) this.#ended.inc({ error }, 0);
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LAG_PRECISION_MS,
    });
    for (const { name: found } of this.#registry.getMetricsAsArray()) {
      const isOurs = found.startsWith("comfystream_");
      if (!isOurs && !RUNTIME_METRICS.test(found)) this.#registry.removeSingleMetric(found);
    }
  }

  /** Adds the metrics that are read from the server's state. Call it once. */
  watch(state: ServerState): void {
    registerStateGauges(this.#registry, state);
  }

  /** A request was answered. `route`: its pattern, of which there are few; undefined where none matches. */
  answered(method: string, route: string | undefined, status: number): void {
    const known = METHODS.has(method) ? method : "other";
    const pattern = route ?? "none";
    const key = `${known} ${status} ${pattern}`;
    const counted = this.#unscraped.get(key);
    if (counted !== undefined) counted.count++;
    else {
      const labels = { method: known, route: pattern, status };
      this.#unscraped.set(key, { labels, count: 1 });
    }
  }

  /** The `Content-Type` of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    countOwnAnswers(this.#engines);
    for (const { labels, count } of this.#unscraped.values()) this.#requests.inc(labels, count);
    this.#unscraped.clear();
    return await this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter<string> {
    return new Counter({
      name: `comfystream_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
    });
  }
}

/** Callers may send any word as a method. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
