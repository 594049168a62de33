/** The connection to the operator's ComfyUI that all graphs of an engine share: its WebSocket, its judge, and its files. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { GraphUse } from "../protocol/work.ts";
import { ComfyClient } from "./client.ts";
import { FrameFiles } from "./frame-files.ts";
import { GraphJudge, type ServerPlan } from "./graph-judge.ts";
import { ComfySocket } from "./socket.ts";

const log = getLogger("comfyui");

/** Time between two attempts to connect: every frame would try otherwise. */
const RETRY_MS = 1000;
/** The start or update of a stream waits for the judgement of its graphs. */
const JUDGE_MS = 4000;
/** A judgement is reused for this long: graphs are judged when they are asked for, and run right after. */
const JUDGED_MS = 5000;

interface Judged {
  readonly key: string;
  readonly plan: Promise<ServerPlan>;
  readonly until: number;
}

export class ComfyConnection implements AsyncDisposable {
  readonly client: ComfyClient;
  /** ComfyUI sends messages about a graph to the client that submitted it. */
  readonly clientId = crypto.randomUUID();
  readonly files: FrameFiles;
  readonly #judge: GraphJudge;
  #socket: ComfySocket | null = null;
  #opening: Promise<ComfySocket> | null = null;
  #failed: { readonly error: unknown; readonly until: number } | null = null;
  #judged: Judged | null = null;
  #disposed = false;

  constructor(url: string) {
    this.client = new ComfyClient(url);
    this.files = new FrameFiles(this.client, this.clientId);
    this.#judge = new GraphJudge(this.client);
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen === true;
  }

  /** The open WebSocket. Throws `comfyui_unavailable`. */
  async socket(): Promise<ComfySocket> {
    if (this.#disposed) throw new WorkerError("engine_unavailable", "the engine is closing");
    if (this.#socket?.isOpen) return this.#socket;
    if (this.#failed !== null && performance.now() < this.#failed.until) throw this.#failed.error;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return await this.#opening;
  }

  /** Graphs as they run in ComfyUI. Throws `invalid_request` with what is wrong with them, and `comfyui_unavailable`. */
  async plan(graphs: readonly string[], use: GraphUse): Promise<ServerPlan> {
    const key = JSON.stringify([use, graphs]);
    const now = performance.now();
    if (this.#judged?.key === key && now < this.#judged.until) return await this.#judged.plan;
    const late = AbortSignal.timeout(JUDGE_MS);
    const plan = this.#judge.plan(graphs, use, late).catch((error) => {
      if (this.#judged?.key === key) this.#judged = null;
      throw late.aborted ? this.client.unavailable(`no answer within ${JUDGE_MS / 1000} s`) : error;
    });
    this.#judged = { key, plan, until: now + JUDGED_MS };
    return await plan;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#socket?.[Symbol.dispose]();
    await this.files.settled();
  }

  async #open(): Promise<ComfySocket> {
    try {
      const socket = await ComfySocket.open(this.client, this.clientId);
      if (this.#disposed) socket[Symbol.dispose]();
      this.#judge.forget(); // it may have been started anew, with other nodes
      this.#socket = socket;
      this.#failed = null;
      log.info("connected to ComfyUI", { comfyui: this.client.label });
      return socket;
    } catch (error) {
      this.#failed = { error, until: performance.now() + RETRY_MS };
      throw error;
    }
  }
}
