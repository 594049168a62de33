/** Runs the graphs of one lane in ComfyUI, for one picture at a time. */
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { Picture } from "../../media/picture.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { decodeImage, encodePng } from "../codec/image-file.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { TooLate } from "../device/job.ts";
import type { InferenceJob, InferenceResult } from "../device/loaded-model.ts";
import type { NodePicture } from "../device/worker/calls.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { ComfyConnection } from "./connection.ts";
import type { FrameFile } from "./frame-files.ts";
import type { ServerPlan } from "./graph-judge.ts";
import { type PromptResult, runPrompt } from "./prompt-run.ts";

const log = getLogger("comfyui");

/** Deadlines of FFmpeg's calls: the largest picture takes a second or two. */
const CODEC_MS = 20_000;
/** The first run of a graph loads its networks, and other programs' graphs may be in the queue. */
const FIRST_RUN_MS = 600_000;
/** A later run hangs when it takes this many times as long as the last, and this long at least. */
const HUNG = 20;
const HUNG_MS = 30_000;

/** A long run is logged this often. */
const REPORT_MS = 1000;

/** The graphs that ran last, as ComfyUI gets them. */
interface Planned extends ServerPlan {
  readonly key: string;
}

export class ServerLane implements Disposable {
  readonly #connection: ComfyConnection;
  readonly #kind: GraphUse["kind"];
  readonly #file: FrameFile;
  #converter: PictureConverter | null = null;
  #planned: Planned | null = null;
  #lastRunMs: number | null = null;
  /** Settles when the newest run has ended. */
  #last: Promise<void> = Promise.resolve();
  #unwanted = new AbortController();

  constructor(connection: ComfyConnection, kind: GraphUse["kind"]) {
    this.#connection = connection;
    this.#kind = kind;
    this.#file = connection.files.take();
  }

  /** Waits for the run before. Throws as `LoadedModel.run` does, and `invalid_request` for graphs that cannot run. */
  async run(job: InferenceJob, graphs: readonly string[]): Promise<InferenceResult> {
    const unwanted = this.#unwanted.signal;
    const signal = job.signal === undefined ? unwanted : AbortSignal.any([job.signal, unwanted]);
    const before = this.#last;
    const ended = Promise.withResolvers<void>();
    this.#last = ended.promise;
    try {
      await untilAborted(before, signal);
      signal.throwIfAborted();
      if (performance.now() > (job.deadline ?? Number.POSITIVE_INFINITY)) throw new TooLate();
      job.onStart?.();
      const planned = await this.#plan(graphs, job.picture !== null);
      return await this.#draw(job, planned, signal);
    } finally {
      void before.then(ended.resolve); // also where it was not waited for
    }
  }

  /** Ends the runs in progress with `TooLate`. */
  abandon(): void {
    this.#unwanted.abort(new TooLate());
    this.#unwanted = new AbortController();
  }

  /** Gives its file back. No run may be in progress. */
  [Symbol.dispose](): void {
    this.#converter?.[Symbol.dispose]();
    this.#file.release();
  }

  async #plan(graphs: readonly string[], hasInput: boolean): Promise<Planned> {
    const key = JSON.stringify([hasInput, graphs]);
    if (this.#planned?.key === key) return this.#planned;
    const plan = await this.#connection.plan(graphs, { kind: this.#kind, hasInput });
    this.#planned = { ...plan, key };
    this.#lastRunMs = null;
    return this.#planned;
  }

  async #draw(job: InferenceJob, plan: Planned, signal: AbortSignal): Promise<InferenceResult> {
    this.#converter ??= new PictureConverter(job.calls);
    const converter = this.#converter;
    const begun = performance.now();
    const { graphs } = plan;
    const isFirstLive = (graphs[0]?.live.length ?? 0) > 0;
    // Encoded only for a graph that looks at it.
    let frame =
      job.picture !== null && (isFirstLive || graphs.length > 1)
        ? await toPng(job.picture, converter, job.calls)
        : null;
    let drawn: PromptResult["pictures"] = [];
    let texts: PromptResult["texts"] = {};
    for (const graph of graphs) {
      if (graph.live.length > 0 && frame !== null) await this.#file.write(frame, signal);
      const result = await this.#runPrompt(graph, plan, signal);
      texts = { ...texts, ...result.texts };
      if (result.pictures.length > 0) drawn = result.pictures;
      frame = drawn.findLast(isFirst)?.png ?? frame;
    }
    const inferenceMs = performance.now() - begun;
    this.#lastRunMs = inferenceMs;
    const nodePictures: NodePicture[] = [];
    for (const { png, ...place } of drawn) {
      nodePictures.push({ ...place, picture: await this.#read(png, converter, job.calls) });
    }
    const picture = nodePictures.findLast(isFirst)?.picture ?? null;
    const all = this.#kind === "picture" ? { nodePictures } : {};
    return { picture, data: {}, texts, inferenceMs, ...all };
  }

  async #runPrompt(
    graph: ServerPlan["graphs"][number],
    { saves }: ServerPlan,
    signal: AbortSignal,
  ): Promise<PromptResult> {
    const { client, clientId } = this.#connection;
    const socket = await this.#connection.socket();
    const allowedMs =
      this.#lastRunMs === null ? FIRST_RUN_MS : Math.max(HUNG_MS, HUNG * this.#lastRunMs);
    const late = new AbortController();
    let where = "no node has begun";
    let reportAt = performance.now() + REPORT_MS;
    const timer = setTimeout(() => {
      const message = `${client.label}: no picture within ${Math.round(allowedMs / 1000)} s (${where})`;
      late.abort(new WorkerError("timeout", message));
    }, allowedMs);
    try {
      return await runPrompt({
        client,
        socket,
        clientId,
        graph,
        saves,
        frame: this.#file.name,
        wants: this.#kind === "picture" ? "all" : "shown",
        signal: AbortSignal.any([signal, late.signal]),
        onProgress: (now) => {
          where = now;
          if (performance.now() < reportAt) return;
          reportAt = performance.now() + REPORT_MS;
          log.debug("ComfyUI runs", { where });
        },
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(png: Uint8Array, converter: PictureConverter, calls: NativeCalls): Promise<Picture> {
    using _call = calls.begin("decode", CODEC_MS);
    try {
      using freed = new DisposableStack();
      const frame = freed.adopt(await decodeImage(png), (one) => one.free());
      const { width, height } = frame;
      return await converter.toPicture(frame, { width, height }, "stretch");
    } catch (error) {
      const message = `${this.#connection.client.label}: its picture cannot be read: ${reason(error)}`;
      throw new WorkerError("model_failed", message, { cause: error });
    }
  }
}

const isFirst = ({ index }: { readonly index: number }): boolean => index === 0;

async function toPng(
  picture: Picture,
  converter: PictureConverter,
  calls: NativeCalls,
): Promise<Uint8Array<ArrayBuffer>> {
  using _call = calls.begin("encode", CODEC_MS);
  using freed = new DisposableStack();
  const frame = freed.adopt(await converter.toRgb(picture, picture, "stretch"), (one) =>
    one.free(),
  );
  return await encodePng(frame, "fast");
}
