/** Watches the files of loaded models, and replaces a version whose files have changed without stopping its streams. */
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { CatalogueEntry, UsableModel } from "../models/catalogue-entry.ts";
import type { ReadyModel } from "./ready-model.ts";

const log = getLogger("inference");

export interface ReloadTimes {
  /** The files of each loaded model are looked at this often, which costs a few `stat` calls. */
  readonly watchMs: number;
  /** A replaced version is released once no stream has used it for this long. */
  readonly retireIdleMs: number;
}

const RELOAD_TIMES: ReloadTimes = { watchMs: 1000, retireIdleMs: 3000 };

export interface ModelReloaderOptions {
  readonly catalogue: Pick<ModelCatalogue, "entry">;
  /** The versions that new callers get. */
  readonly current: () => readonly ReadyModel[];
  readonly load: (model: UsableModel) => Promise<ReadyModel>;
  /** A load that takes longer hangs. */
  readonly loadDeadlineMs: number;
  /** Ends the thread of a version that nobody uses. */
  readonly release: (model: ReadyModel) => void;
  /** Gives `next` to new callers in place of `previous`, unless that has ended meanwhile. */
  readonly replace: (previous: ReadyModel, next: ReadyModel) => void;
  /** A changed model could not be loaded, or has its old files back. */
  readonly onRejected: (model: ReadyModel) => void;
  readonly times?: ReloadTimes | undefined;
}

/**
 * A changed model is loaded beside the one that runs; `replace` puts it in its place, and streams change over
 * between two frames (`LoadedModel.isOutdated`). One that cannot be loaded changes nothing but `reloadError`.
 */
export class ModelReloader implements Disposable {
  readonly #options: ModelReloaderOptions;
  readonly #times: ReloadTimes;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #loading = new Map<string, Promise<void>>();
  /** What the last look at a model's files saw, by name. */
  readonly #seen = new Map<string, string>();
  /** Replaced versions that streams may still use. */
  readonly #retired = new Set<ReadyModel>();
  #watching = false;

  constructor(options: ModelReloaderOptions) {
    this.#options = options;
    this.#times = options.times ?? RELOAD_TIMES;
    const watch = () =>
      this.#watch().catch((error) => log.error("model watch failed", { error: reason(error) }));
    this.#timer = setInterval(() => void watch(), this.#times.watchMs);
  }

  /** Loads the model's files now if they have changed. Never rejects: without them the loaded version continues. */
  async refresh(model: ReadyModel): Promise<void> {
    await this.#apply(model, await this.#options.catalogue.entry(model.name));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #watch(): Promise<void> {
    if (this.#watching) return; // a slow disk: the next look is soon enough
    this.#watching = true;
    try {
      for (const model of this.#retired) {
        if (!model.isIdle(this.#times.retireIdleMs)) continue;
        this.#retired.delete(model);
        this.#options.release(model);
      }
      for (const model of this.#options.current()) {
        const entry = await this.#options.catalogue.entry(model.name);
        const stamp = entry?.stamp ?? "removed";
        // Files that still change are being written: they are read once two looks see the same.
        const settled = this.#seen.get(model.name) === stamp;
        this.#seen.set(model.name, stamp);
        if (settled) void this.#apply(model, entry);
      }
    } finally {
      this.#watching = false;
    }
  }

  async #apply(model: ReadyModel, entry: CatalogueEntry | undefined): Promise<void> {
    if (model.isOutdated()) return;
    if (entry?.stamp === model.stamp) {
      if (model.reloadError() === null) return;
      model.restore();
      this.#options.onRejected(model);
    } else if (entry === undefined) {
      this.#reject(model, "removed", "was removed from the workspace");
    } else if (entry.state !== "usable") {
      this.#reject(model, entry.stamp, cannotBeLoaded(entry.error));
    } else if (!model.hasRejected(entry.stamp)) {
      await this.#load(model, entry);
    }
  }

  /** One load of a model at a time: files that change meanwhile are seen by the next look. */
  #load(model: ReadyModel, entry: UsableModel): Promise<void> {
    const { name, stamp } = entry;
    const loading = this.#loading.get(name);
    if (loading !== undefined) return loading;
    const done = this.#reload(model, entry)
      .catch((error) => this.#reject(model, stamp, cannotBeLoaded(error)))
      .finally(() => this.#loading.delete(name));
    this.#loading.set(name, done);
    return done;
  }

  async #reload(model: ReadyModel, entry: UsableModel): Promise<void> {
    const { loadDeadlineMs, load, release, replace } = this.#options;
    const loading = load(entry);
    const next = await untilAborted(loading, AbortSignal.timeout(loadDeadlineMs));
    if (next === null) {
      loading.then(release, () => {}); // too late, however it ends
      throw new Error(`it is not loaded after ${loadDeadlineMs / 1000} s`);
    }
    log.info("model reloaded", { model: model.name });
    model.markOutdated();
    this.#retired.add(model);
    replace(model, next);
  }

  #reject(model: ReadyModel, stamp: string, problem: string): void {
    if (model.hasRejected(stamp)) return;
    model.reject(stamp, problem);
    log.error("changed model cannot be loaded", { model: model.name, error: problem });
    this.#options.onRejected(model);
  }
}

/** Both errors begin with the model's name, which the whole sentence has already. */
const cannotBeLoaded = (error: Error): string =>
  `changed on disk and cannot be loaded: ${reason(error.cause ?? error)}`;
