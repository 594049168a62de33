/** Loads the models of a stream's plan when its parameters ask for others, and keeps those in use until they are ready. */
import type { PlainError, WorkerError } from "../../errors.ts";
import type { ModelHost } from "../device/model-host.ts";
import { planOf } from "./plan.ts";
import { type NodeOptions, RunningNode } from "./plan-node.ts";
import type { Loading } from "./stand-in-label.ts";

export interface PlanLoaderOptions extends NodeOptions {
  readonly host: Pick<ModelHost, "acquire" | "chain" | "loading" | "loadDeadlineMs">;
  /** Encodes the prompts that were asked for last. */
  readonly preparePrompts: () => Promise<void>;
  readonly hasInput: boolean;
}

export class PlanLoader implements Disposable {
  readonly #options: PlanLoaderOptions;
  #nodes: readonly RunningNode[] = [];
  #takesPrompts = false;
  #wanted: string | null = null;
  #wantedSince = 0;
  /** The model whose nodes are in use. */
  #current: string | null = null;
  /** Settles when the newest load has ended, however. */
  #loads: Promise<void> = Promise.resolve();
  /** The number of the newest load: the same model may be asked for again while its load is in progress. */
  #lastLoad = 0;
  #loadsInProgress = 0;
  /** The model whose last load failed. */
  #failed: string | null = null;

  constructor(options: PlanLoaderOptions) {
    this.#options = options;
  }

  /** The models in use, in the order in which they run; another list once they have changed. */
  get nodes(): readonly RunningNode[] {
    return this.#nodes;
  }

  /** A model in use reads the prompts. */
  get takesPrompts(): boolean {
    return this.#takesPrompts;
  }

  /**
   * As `PlanExecutor.prepare`, for the models.
   *
   * @param judge runs before the models are used, also for those in use; what it throws leaves everything as it was
   */
  async load(
    wanted: string,
    judge: (nodes: readonly RunningNode[]) => Promise<void> = async () => {},
  ): Promise<void> {
    if (this.lost) {
      this.#use([]);
      this.#wanted = this.#current = null;
    }
    if (this.outdated) this.#wanted = null;
    if (this.#wanted === wanted) {
      // An earlier call may be loading it, and may fail by what it judges.
      while (this.#wanted === wanted && this.#current !== wanted) await this.#loads;
      if (this.#wanted === wanted) return await judge(this.#nodes);
      if (this.#wanted !== null) return; // another was asked for meanwhile
    }
    this.#wanted = wanted;
    this.#wantedSince = performance.now();
    const loaded = this.#load(wanted, judge);
    this.#loads = loaded.catch(() => {}); // its own caller gets the error
    await loaded;
  }

  async #load(
    wanted: string,
    judge: (nodes: readonly RunningNode[]) => Promise<void>,
  ): Promise<void> {
    this.#loadsInProgress++;
    const number = ++this.#lastLoad;
    const isNewest = () => number === this.#lastLoad && this.#wanted === wanted;
    try {
      const { nodes, takesPrompts } = await this.#open(wanted);
      await judge(nodes);
      if (isNewest()) {
        this.#use(nodes);
        this.#current = wanted;
        this.#takesPrompts = takesPrompts;
      }
      this.#failed = null;
    } catch (error) {
      // It is tried again when it is asked for again: its files may be complete by then.
      if (isNewest()) this.#wanted = null;
      this.#failed = wanted;
      throw error;
    } finally {
      this.#loadsInProgress--;
    }
  }

  /** Why the newest output of a model that feeds another is not in use; null where all are. */
  get feedError(): PlainError | null {
    return this.#nodes.find(({ feedError }) => feedError !== null)?.feedError ?? null;
  }

  /** The load that the stream waits for; null while a model runs, and after a failure. */
  get loading(): Loading | null {
    const model = this.#wanted;
    if (model === null || this.#nodes.length > 0) return null;
    const progress = this.#options.host.loading(model);
    // A model that failed is asked for again, which loads it only if that may help: see `ModelHost.acquire`.
    if (progress === null && this.#failed === model) return null;
    return { since: this.#wantedSince, expectedMs: null, ...progress, model };
  }

  /** The stream shows what these models gave, whether they ran for the frame or not. */
  markUsed(): void {
    for (const { model } of this.#nodes) model.markUsed();
  }

  /** True if the thread of a model in use has ended: `load` loads it again. */
  get lost(): boolean {
    return this.#nodes.some(({ model }) => model.isLost());
  }

  /** True if a newer version of a model that runs is ready, and no load is in progress: `load` changes over to it. */
  get outdated(): boolean {
    return this.#loadsInProgress === 0 && this.#nodes.some(({ model }) => model.isOutdated());
  }

  /** Why a running model differs from the workspace; null while it does not. */
  get reloadError(): WorkerError | null {
    for (const { model } of this.#nodes) {
      const error = model.reloadError();
      if (error !== null) return error;
    }
    return null;
  }

  [Symbol.dispose](): void {
    this.#use([]);
  }

  /** The models, which the plan does not use yet. Recorded as a native call, unlike the runs that judge them. */
  async #open(wanted: string): Promise<{ nodes: readonly RunningNode[]; takesPrompts: boolean }> {
    const { host, preparePrompts, hasInput, signal, calls } = this.#options;
    using _call = calls.begin("load", host.loadDeadlineMs);
    const chain = await host.chain(wanted);
    const nodes = await Promise.all(
      planOf(chain, { hasInput }).map(async (node) => {
        return new RunningNode(node, await host.acquire(node.model, signal), this.#options);
      }),
    );
    const { takesPrompts } = chain;
    if (this.#nodes.length === 0 && takesPrompts) await preparePrompts();
    return { nodes, takesPrompts };
  }

  #use(nodes: readonly RunningNode[]): void {
    for (const before of this.#nodes) before.dispose();
    this.#nodes = nodes;
  }
}
