/** Tells whether engines can take work: now, for the first time, on which devices, or never. */
import { type PlainError, WorkerError } from "../../errors.ts";
import type { Supervisor } from "./supervisor.ts";

/** This many engines in a row that died young make a device count as broken. */
const MAX_SHORT_LIVES = 5;

export class Availability {
  readonly #supervisors: ReadonlySet<Supervisor>;
  readonly #deviceMissing = Promise.withResolvers<PlainError>();
  /** Devices on which an engine was ready once. */
  readonly #proven = new Set<string>();
  #changed = Promise.withResolvers<void>();
  #nextReady = Promise.withResolvers<void>();

  /** `supervisors`: the pool's set, which changes. */
  constructor(supervisors: ReadonlySet<Supervisor>) {
    this.#supervisors = supervisors;
  }

  /** `loading` until an engine was ready once; `broken` while no engine runs and none stays alive. */
  get state(): "loading" | "ready" | "broken" {
    const all = [...this.#supervisors];
    if (all.some(isReady)) return "ready";
    if (all.length === 0) return "loading";
    const failing = all.every((one) => one.history.shortLives >= MAX_SHORT_LIVES || !one.isUsable);
    return failing ? "broken" : this.#proven.size > 0 ? "ready" : "loading";
  }

  /** Devices that can run work: an engine was ready there, and does not die again and again. */
  get workingDevices(): readonly string[] {
    const working = [...this.#supervisors].filter((one) => {
      if (isReady(one)) return true;
      return (
        one.isUsable && this.#proven.has(one.device) && one.history.shortLives < MAX_SHORT_LIVES
      );
    });
    return [...new Set(working.map(({ device }) => device))];
  }

  /** Settles the next time an engine becomes ready, dies or turns out unfit; `workingDevices` may have changed. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Resolves with the reason when an asked-for device is missing: the server cannot serve. */
  get deviceMissing(): Promise<PlainError> {
    return this.#deviceMissing.promise;
  }

  /** Waits until an engine is ready. Throws `engine_unavailable` after `timeoutMs`. */
  async waitUntilReady(timeoutMs: number): Promise<void> {
    if ([...this.#supervisors].some(isReady)) return;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const message = `no engine was ready within ${timeoutMs} ms; see the log or run doctor`;
      late.reject(new WorkerError("engine_unavailable", message));
    }, timeoutMs);
    try {
      await Promise.race([late.promise, this.#nextReady.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether an engine was ever ready on this device. */
  isProven(device: string): boolean {
    return this.#proven.has(device);
  }

  engineReady({ device }: Supervisor): void {
    this.#proven.add(device);
    this.#nextReady.resolve();
    this.#nextReady = Promise.withResolvers();
    this.engineChanged();
  }

  /** An engine died, or its device cannot be used. */
  engineChanged(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** A device that was asked for is missing. */
  fail(error: PlainError): void {
    this.#deviceMissing.resolve(error);
  }
}

const isReady = ({ status }: Supervisor): boolean => status === "ready";
