/** The capacity of several workers behind one URL, read from their `GET /health?check=ready` again and again. */

import { type Static, Type } from "@sinclair/typebox";
import { answerTimeout } from "../../../../answer-timeout.ts";
import { getLogger } from "../../../../log.ts";
import { describeFailure } from "../../../../request-failure.ts";
import { check } from "../../../../schema-check.ts";
import { pause } from "../../../../streams/pause.ts";
import type { Capacity } from "../../../capacity.ts";

const log = getLogger("fleet");

const POLL_MS = 2000;
const TIMEOUT_MS = 2000;
/** A worker is lost after this many polls in a row without a usable answer: one may be late under load. */
const MISSES = 2;

const Health = Type.Object({
  capacity: Type.Integer({ minimum: 0 }),
  used: Type.Integer({ minimum: 0 }),
});
type Health = Static<typeof Health>;
const isHealth = (value: unknown): value is Health => check(Health).Check(value);

interface Worker {
  readonly url: string;
  capacity: number;
  used: number;
  misses: number;
}

export class FleetCapacity implements Capacity {
  readonly #workers: readonly Worker[];
  readonly #limit: number;
  readonly #pollMs: number;
  #changed = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();

  /** `limit`: the most to offer, whatever the workers have. `pollMs`: replaced in tests. */
  constructor(urls: readonly string[], limit: number, pollMs = POLL_MS) {
    this.#workers = [...new Set(urls)].map((url) => ({
      url,
      capacity: 0,
      used: 0,
      misses: MISSES,
    }));
    this.#limit = limit;
    this.#pollMs = pollMs;
  }

  get total(): number {
    const sum = this.#workers.reduce((all, { capacity }) => all + capacity, 0);
    return Math.min(sum, this.#limit);
  }

  get used(): number {
    return this.#workers.reduce((all, { used }) => all + used, 0);
  }

  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  get emptied(): Promise<void> {
    return this.#emptied.promise;
  }

  /** Polls all workers, each at its own pace, until the signal aborts. Never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#workers.map((worker) => this.#followOne(worker, signal)));
  }

  async #followOne(worker: Worker, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = await askHealth(worker.url, signal);
      if (signal.aborted) return;
      if (typeof answer === "object") {
        if (worker.misses >= MISSES) log.info("worker found", { worker: worker.url, ...answer });
        worker.misses = 0;
        this.#set(worker, answer.capacity, answer.used);
      } else if (++worker.misses === MISSES) {
        log.warn("worker lost", { worker: worker.url, why: answer });
        this.#set(worker, 0, 0);
      }
      await pause(this.#pollMs, signal);
    }
  }

  #set(worker: Worker, capacity: number, used: number): void {
    const before = { total: this.total, used: this.used };
    worker.capacity = capacity;
    worker.used = used;
    if (this.total !== before.total) {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    if (this.used === 0 && before.used > 0) {
      this.#emptied.resolve();
      this.#emptied = Promise.withResolvers();
    }
  }
}

/** A worker's figures, or why there are none. A worker that takes no new work, such as one that shuts down, offers 0. */
async function askHealth(url: string, signal: AbortSignal): Promise<Health | string> {
  using late = answerTimeout(TIMEOUT_MS);
  try {
    const response = await fetch(`${url}/health?check=ready`, {
      signal: AbortSignal.any([signal, late.signal]),
      proxy: "",
    });
    const body: unknown = await response.json().catch(() => null);
    if (!isHealth(body)) return `${url} is not a comfystream-byoc server: ${response.status}`;
    return { capacity: response.ok ? body.capacity : 0, used: body.used };
  } catch (error) {
    return describeFailure(error);
  }
}
