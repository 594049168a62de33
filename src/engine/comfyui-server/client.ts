/** HTTP client of the ComfyUI at COMFYUI_URL: asks for node classes and files, uploads pictures, queues and cancels graphs. */
import type { TSchema } from "@sinclair/typebox";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { redactUrl } from "../../redact-url.ts";
import type { Immutable } from "../../schema.ts";
import { check } from "../../schema-check.ts";
import { cut } from "../../shown-value.ts";
import { NodeErrors, PromptError, Queue, type StoredFile, SystemStats } from "./answers.ts";

const log = getLogger("comfyui");

/** A ComfyUI that computes answers slowly: Python runs one thread at a time. */
const ANSWER_MS = 20_000;
/** A picture of 4096² as PNG takes about 50 MB. */
export const MAX_PICTURE_BYTES = 64 * 2 ** 20;
/** Its queue holds the whole graph of everything that waits. */
const MAX_JSON_BYTES = 16 * 2 ** 20;
const SHOWN_CHARACTERS = 200;
const MAX_NAME_CHARACTERS = 60;

/** The answer to a submitted graph. */
export type Submission =
  | { readonly state: "queued"; readonly nodeErrors: NodeErrors }
  | { readonly state: "refused"; readonly nodeErrors: NodeErrors; readonly error: PromptError };

/** Every method throws `comfyui_unavailable` if ComfyUI cannot be reached or its answer cannot be understood. */
export class ComfyClient {
  /** For messages. */
  readonly label: string;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param url as in COMFYUI_URL; a user name and password in it are sent as basic authentication */
  constructor(url: string) {
    const { username, password } = new URL(url);
    this.label = `the ComfyUI at COMFYUI_URL (${redactUrl(url)})`;
    this.#base = url.replace(/\/\/[^/@]*@/, "//").replace(/\/+$/, "");
    const credentials = `${unescaped(username)}:${unescaped(password)}`;
    this.#headers =
      username === "" && password === ""
        ? {}
        : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  }

  /** Its version, as far as it says, and what it computes on. */
  async system(signal: AbortSignal): Promise<{ version: string | null; devices: string[] }> {
    const answer = await this.#json("/system_stats", { signal });
    if (!is(SystemStats, answer)) {
      throw this.unavailable("its answer to /system_stats is not that of a ComfyUI");
    }
    const { system, devices } = answer;
    return {
      version: system.comfyui_version ?? null,
      devices: devices.map(({ name }) => cut(name, MAX_NAME_CHARACTERS)),
    };
  }

  /** Whether ComfyUI has a node class. */
  async knows(className: string, signal: AbortSignal): Promise<boolean> {
    const path = `/object_info/${encodeURIComponent(className)}`;
    const answer = await this.#json(path, { signal });
    return isObject(answer) && Object.hasOwn(answer, className);
  }

  /** The names of all its node classes; none where the list is too long to read. */
  async classes(signal: AbortSignal): Promise<string[]> {
    try {
      const answer = await this.#json("/object_info", { signal });
      return isObject(answer) ? Object.keys(answer) : [];
    } catch (error) {
      signal.throwIfAborted();
      log.debug("ComfyUI's list of classes cannot be read", { error: reason(error) });
      return [];
    }
  }

  /** Whether LoadImage finds a file of this name. */
  async hasImage(name: string, signal: AbortSignal): Promise<boolean> {
    const slash = name.lastIndexOf("/");
    const [subfolder, filename] = [name.slice(0, Math.max(0, slash)), name.slice(slash + 1)];
    const query = new URLSearchParams({ filename, subfolder, type: "input" });
    const response = await this.#fetch(`/view?${query}`, { method: "HEAD", signal });
    return response.ok;
  }

  /** Writes a picture into ComfyUI's input folder, replacing one of the same name. */
  async upload(
    { subfolder, filename }: Pick<StoredFile, "subfolder" | "filename">,
    png: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<void> {
    const body = new FormData();
    body.set("image", new Blob([png], { type: "image/png" }), filename);
    for (const [name, value] of Object.entries({ type: "input", subfolder, overwrite: "true" }))
      body.set(name, value);
    await this.#json("/upload/image", { method: "POST", body, signal });
  }

  /** Puts a graph into its queue, under an id of ours. `body` is that of `POST /prompt`. */
  async submit(id: string, body: string, signal = NEVER): Promise<Submission> {
    const headers = { "content-type": "application/json" };
    const response = await this.#fetch("/prompt", { method: "POST", body, headers, signal });
    const answer = await this.#parsed(response);
    const errors = isObject(answer) ? answer["node_errors"] : undefined;
    const nodeErrors = is(NodeErrors, errors) ? errors : {};
    if (response.ok && isObject(answer)) {
      const given = String(answer["prompt_id"]);
      if (given === id) return { state: "queued", nodeErrors };
      await this.cancel(given, signal);
      throw this.unavailable("it is older than version 0.3.45: update it");
    }
    const error = isObject(answer) ? answer["error"] : undefined;
    if (response.status !== 400 || !is(PromptError, error)) throw this.#unexpected(response);
    return { state: "refused", nodeErrors, error };
  }

  /** The state of a graph; null if it neither runs nor waits. */
  async stateOf(id: string, signal: AbortSignal): Promise<"running" | "waiting" | null> {
    const queue = await this.#json("/queue", { signal });
    if (!is(Queue, queue)) throw this.unavailable("its answer to /queue is not that of a ComfyUI");
    if (queue.queue_running.some((entry) => entry[1] === id)) return "running";
    return queue.queue_pending.some((entry) => entry[1] === id) ? "waiting" : null;
  }

  /**
   * Takes a graph out of the queue, or interrupts it. One that does not run is not interrupted: versions before 0.3.57
   * would interrupt whatever runs.
   */
  async cancel(id: string, signal: AbortSignal): Promise<void> {
    const post = (path: string, body: object) =>
      this.#fetch(path, {
        method: "POST",
        body: JSON.stringify(body),
        signal,
        headers: { "content-type": "application/json" },
      });
    await post("/queue", { delete: [id] });
    if ((await this.stateOf(id, signal)) === "running") await post("/interrupt", { prompt_id: id });
  }

  /** A picture that a node has saved. */
  async view(
    { filename, subfolder, type }: StoredFile,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const query = new URLSearchParams({ filename, subfolder, type });
    const response = await this.#fetch(`/view?${query}`, { signal });
    if (!response.ok) throw this.#unexpected(response);
    return await this.#bytes(response, MAX_PICTURE_BYTES);
  }

  /** Opens its WebSocket. */
  socket(clientId: string): WebSocket {
    const url = `${this.#base.replace(/^http/, "ws")}/ws?clientId=${clientId}`;
    return new WebSocket(url, { headers: this.#headers });
  }

  /** An error that names this ComfyUI and says what is wrong with it. */
  unavailable(what: string, cause?: unknown): WorkerError {
    return new WorkerError("comfyui_unavailable", `${this.label}: ${what}`, { cause });
  }

  #unexpected({ status }: Response): WorkerError {
    const redirects = status >= 300 && status < 400;
    const way = redirects ? "; set COMFYUI_URL to the address that it redirects to" : "";
    return this.unavailable(`it answered ${status}${way}`);
  }

  async #json(path: string, init: RequestInit & { signal: AbortSignal }): Promise<unknown> {
    const response = await this.#fetch(path, init);
    if (!response.ok) throw this.#unexpected(response);
    return await this.#parsed(response);
  }

  async #parsed(response: Response): Promise<unknown> {
    const text = new TextDecoder().decode(await this.#bytes(response, MAX_JSON_BYTES));
    try {
      return JSON.parse(text);
    } catch (cause) {
      const shown = JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
      throw this.unavailable(
        `it answered ${response.status} with ${shown}, which is not JSON`,
        cause,
      );
    }
  }

  async #bytes(response: Response, most: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let total = 0;
    try {
      for await (const chunk of response.body ?? []) {
        total += chunk.byteLength;
        if (total > most) throw new Error(`its answer is longer than ${most / 2 ** 20} MiB`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.unavailable(reason(error), error);
    }
    return Buffer.concat(chunks);
  }

  async #fetch(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    const { signal } = init;
    signal.throwIfAborted();
    const late = AbortSignal.timeout(ANSWER_MS);
    try {
      return await fetch(this.#base + path, {
        ...init,
        headers: { ...this.#headers, ...init.headers },
        signal: AbortSignal.any([signal, late]),
        redirect: "manual",
        // A pooled connection that the other side has closed meanwhile would fail a POST.
        keepalive: false,
        // Makes Bun ignore HTTP_PROXY in the environment; the typings allow only a proxy's URL.
        ...({ proxy: false } as object),
      });
    } catch (error) {
      signal.throwIfAborted();
      const what = late.aborted ? `no answer within ${ANSWER_MS / 1000} s` : reason(error);
      throw this.unavailable(what, error);
    }
  }
}

const NEVER = new AbortController().signal;

/** A part of a URL; text with a bare % is taken as it is. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not an escape
  }
}

/** A guard of a schema. */
export const is = <T extends TSchema>(schema: T, value: unknown): value is Immutable<T> =>
  check(schema).Check(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
