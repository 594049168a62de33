/** Runs one graph in ComfyUI: submits it, follows its progress, returns its picture, and cancels it if the caller gives up. */

import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { exactJson } from "../../raw-json.ts";
import { cut } from "../../shown-value.ts";
import { pause } from "../../streams/pause.ts";
import { nodeLabel, shownName } from "../graph/graph.ts";
import { checkPictureCount, MAX_PICTURES } from "../graph/picture-count.ts";
import { describeProblems } from "../graph/problem.ts";
import type { StoredFile } from "./answers.ts";
import type { ComfyClient, Submission } from "./client.ts";
import { problemsOf } from "./graph-problems.ts";
import { type PictureNode, runnableGraph, type ServerGraph } from "./server-graph.ts";
import type { ComfySocket, PromptEvent } from "./socket.ts";

const log = getLogger("comfyui");

/** ComfyUI is asked this often whether it still has the graph: a cleared queue sends no message. */
const LOOK_MS = 3000;
/** This many of these requests in a row may fail. */
const MAX_SILENT = 3;
const CANCEL_MS = 10_000;
const MAX_ERROR_CHARACTERS = 500;

export interface PromptRun {
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  readonly clientId: string;
  readonly graph: ServerGraph;
  readonly saves: PictureNode;
  /** "shown": the first picture of the last node that gives one. */
  readonly wants: "shown" | "all";
  /** The file with the frame, below ComfyUI's input folder. */
  readonly frame: string;
  /** Aborted with an error once the run takes too long. */
  readonly signal: AbortSignal;
  /** Called when a node begins, and for each of its steps. */
  readonly onProgress: (where: string) => void;
}

/** A picture that a node gives: its id, and the picture's place in the node's batch. */
export interface NodePng {
  readonly node: string;
  readonly index: number;
  readonly png: Uint8Array<ArrayBuffer>;
}

export interface PromptResult {
  /** In the order in which they came. */
  readonly pictures: readonly NodePng[];
  /** Texts of nodes, by their ids. */
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Throws `model_failed` that names the node at fault, `comfyui_unavailable` where ComfyUI goes away, and the signal's
 * reason.
 */
export async function runPrompt(run: PromptRun): Promise<PromptResult> {
  const { client, socket, clientId, graph, saves, frame, signal } = run;
  signal.throwIfAborted();
  const id = crypto.randomUUID();
  const begunAt = performance.now();
  const given = new Given(run);
  const over = new AbortController();
  using _listening = socket.listen(id, (event) => given.receive(event));
  const prompt = runnableGraph(graph, frame, saves);
  const body = exactJson({ prompt, prompt_id: id, client_id: clientId });
  // Not cut short: whether ComfyUI had taken it would be unknown.
  const submitted = client.submit(id, body);
  try {
    const abort = rejectedBy(signal, over.signal);
    const answer = await Promise.race([submitted, abort]);
    const problems = problemsOf(concerning(answer, graph), graph);
    if (problems.length > 0) throw failed(client, describeProblems(problems));
    await Promise.race([given.done, abort, untilGone(id, { ...run, begunAt }, over.signal)]);
    return await given.result(signal);
  } catch (error) {
    if (!given.isOver) void cancelAfter(submitted, id, client);
    throw error;
  } finally {
    over.abort();
  }
}

/** ComfyUI runs the outputs that are valid. Errors of outputs that are not read here are left out. */
function concerning(answer: Submission, { pictures, texts }: ServerGraph): Submission {
  if (answer.state === "refused") return answer;
  const ours = new Set([...pictures, ...texts]);
  const errors = Object.entries(answer.nodeErrors);
  const kept = errors.filter(([, error]) => error.dependent_outputs.some((id) => ours.has(id)));
  return { ...answer, nodeErrors: Object.fromEntries(kept) };
}

/** Never rejects: a ComfyUI that is gone has nothing to cancel. */
async function cancelAfter(
  submitted: Promise<Submission>,
  id: string,
  client: ComfyClient,
): Promise<void> {
  try {
    const { state } = await submitted;
    if (state === "queued") await client.cancel(id, AbortSignal.timeout(CANCEL_MS));
  } catch (error) {
    log.debug("graph not cancelled", { error: reason(error) });
  }
}

type GivenPicture = Uint8Array<ArrayBuffer> | StoredFile;

/** Collects what a run gives. */
class Given {
  /** Rejects where the graph fails. */
  readonly done: Promise<void>;
  /** ComfyUI has ended the graph, or has itself ended. */
  isOver = false;
  readonly #run: PromptRun;
  readonly #end = Promise.withResolvers<void>();
  readonly #texts: Record<string, string> = {};
  #pictures: { readonly node: string; readonly index: number; readonly picture: GivenPicture }[] =
    [];
  /** Of all that came. */
  #count = 0;

  constructor(run: PromptRun) {
    this.#run = run;
    this.done = this.#end.promise;
    this.done.catch(() => {}); // it may come while the graph is being handed over
  }

  receive(event: PromptEvent): void {
    const { graph, client, onProgress } = this.#run;
    switch (event.type) {
      case "node":
        onProgress(this.#label(event.node));
        break;
      case "progress":
        onProgress(`${this.#label(event.node)}, step ${event.value} of ${event.max}`);
        break;
      case "picture":
        this.#keep(event.node, event.png);
        break;
      case "files":
        for (const file of event.files) this.#keep(event.node, file);
        break;
      case "text":
        if (graph.texts.includes(event.node)) this.#texts[event.node] = event.text;
        break;
      case "done":
        this.isOver = true;
        this.#end.resolve();
        break;
      case "interrupted":
        this.#fail(this.#nodeFailed(event.node, "it was interrupted there"));
        break;
      case "failed":
        this.#fail(this.#nodeFailed(event.node, cut(event.error, MAX_ERROR_CHARACTERS)));
        break;
      case "closed":
        this.#fail(client.unavailable(event.why));
        break;
      default:
        event satisfies never;
    }
  }

  /** Throws `invalid_request` for more pictures than an answer holds. */
  async result(signal: AbortSignal): Promise<PromptResult> {
    if (this.#run.wants === "all") checkPictureCount(this.#count);
    const pictures: NodePng[] = [];
    for (const { node, index, picture } of this.#pictures) {
      const isFile = "filename" in picture;
      const png = isFile ? await this.#run.client.view(picture, signal) : picture;
      pictures.push({ node, index, png });
    }
    return { pictures, texts: this.#texts };
  }

  #fail(error: WorkerError): void {
    this.isOver = true;
    this.#end.reject(error);
  }

  #keep(node: string, picture: GivenPicture): void {
    const { graph, wants } = this.#run;
    if (!graph.pictures.includes(node)) return;
    this.#count++;
    const index = this.#pictures.filter((one) => one.node === node).length;
    if (wants === "all") {
      if (this.#count <= MAX_PICTURES) this.#pictures.push({ node, index, picture });
    } else if (index === 0) this.#pictures = [{ node, index, picture }];
  }

  /** Begins with the node, as errors of graphs that run here do. */
  #nodeFailed(id: string, error: string): WorkerError {
    const message = `${this.#label(id)}: ${error}; in ${this.#run.client.label}`;
    return new WorkerError("model_failed", message);
  }

  #label(id: string): string {
    const node = this.#run.graph.sent.get(id);
    return node === undefined ? `node ${shownName(id, 40)}` : nodeLabel(node);
  }
}

const failed = (client: ComfyClient, what: string): WorkerError =>
  new WorkerError("model_failed", `${client.label}: ${what}`);

/** Rejects with the reason of the first signal, unless the second one is first. */
async function rejectedBy(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true, signal: over });
  });
}

/**
 * Rejects when ComfyUI has a graph neither running nor queued although no message has ended it, and when several
 * requests in a row fail. A single one may fail while ComfyUI is busy.
 */
async function untilGone(
  id: string,
  { client, socket, begunAt }: Pick<PromptRun, "client" | "socket"> & { readonly begunAt: number },
  over: AbortSignal,
): Promise<never> {
  let [absent, silent] = [0, 0];
  for (;;) {
    await pause(LOOK_MS, over);
    if (over.aborted) return await new Promise(() => {});
    try {
      absent = (await client.stateOf(id, over)) === null ? absent + 1 : 0;
      silent = 0;
    } catch (error) {
      if (++silent === MAX_SILENT) throw error;
    }
    if (absent < 2) continue;
    // It sends a message to every client when its queue changes.
    if (socket.lastMessageAt < begunAt) socket.drop("its messages no longer arrive");
    throw failed(client, "it has lost the graph: was its queue cleared?");
  }
}
