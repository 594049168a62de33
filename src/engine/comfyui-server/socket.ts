/** The WebSocket on which ComfyUI reports progress and sends pictures: passes its messages on by graph. */
import { getLogger } from "../../log.ts";
import { NodeOutput, PictureInfo, SocketMessage, type StoredFile } from "./answers.ts";
import { type ComfyClient, is, MAX_PICTURE_BYTES } from "./client.ts";

const log = getLogger("comfyui");

const CONNECT_MS = 5000;
/** An error repeats the inputs of its node. */
const MAX_TEXT_CHARACTERS = 16 * 2 ** 20;
/** Longer text of a node is cut. */
const MAX_SHOWN_CHARACTERS = 64 * 1024;
/** Messages that come with every step and hold the state of all nodes. */
const IGNORED = /^\{"type": ?"(?:progress_state|status)"/;

/** Binary messages (protocol.py): a picture, with or without a note on it. */
const PICTURE = 1;
const PICTURE_WITH_INFO = 4;
/** The format of a `PICTURE`. SaveImageWebsocket sends PNG; samplers show their progress as JPEG. */
const PNG = 2;

/** An event of one graph. */
export type PromptEvent =
  /** A node begins. */
  | { readonly type: "node"; readonly node: string }
  | {
      readonly type: "progress";
      readonly node: string;
      readonly value: number;
      readonly max: number;
    }
  | { readonly type: "picture"; readonly node: string; readonly png: Uint8Array<ArrayBuffer> }
  | { readonly type: "files"; readonly node: string; readonly files: readonly StoredFile[] }
  | { readonly type: "text"; readonly node: string; readonly text: string }
  /** The last one, unless one of the others comes. */
  | { readonly type: "done" }
  /** The connection is gone. */
  | { readonly type: "closed"; readonly why: string }
  | { readonly type: "interrupted"; readonly node: string }
  | { readonly type: "failed"; readonly node: string; readonly error: string };

export type Listener = (event: PromptEvent) => void;

export class ComfySocket implements Disposable {
  readonly #socket: WebSocket;
  readonly #listeners = new Map<string, Listener>();
  /** Where ComfyUI is: it runs one graph at a time. */
  #current: { readonly prompt: string; readonly node: string } | null = null;
  /** `performance.now()` at the last message, also one about other clients' graphs. */
  #lastMessageAt = performance.now();
  #isOpen = true;

  /** Throws `comfyui_unavailable`. */
  static async open(client: ComfyClient, clientId: string): Promise<ComfySocket> {
    const socket = client.socket(clientId);
    socket.binaryType = "arraybuffer";
    const opened = Promise.withResolvers<void>();
    const refuse = (what: string) => opened.reject(client.unavailable(what));
    const timer = setTimeout(
      () => refuse(`its WebSocket at /ws is not open after ${CONNECT_MS / 1000} s`),
      CONNECT_MS,
    );
    socket.addEventListener("open", () => opened.resolve(), { once: true });
    socket.addEventListener("close", () => refuse("its WebSocket at /ws cannot be opened"), {
      once: true,
    });
    try {
      await opened.promise;
      return new ComfySocket(socket);
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("close", () => this.#end("it closed the connection"));
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => this.#receive(data));
    // Pictures then come with the ids of their graph and node.
    const flags = { type: "feature_flags", data: { supports_preview_metadata: true } };
    socket.send(JSON.stringify(flags));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get lastMessageAt(): number {
    return this.#lastMessageAt;
  }

  /** Calls `listener` for each event of a graph, until disposed. */
  listen(prompt: string, listener: Listener): Disposable {
    this.#listeners.set(prompt, listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(prompt) };
  }

  /** Ends at once: one whose other side is gone would never close in order. All listeners get the reason. */
  drop(why: string): void {
    this.#end(why);
    this.#socket.terminate();
  }

  [Symbol.dispose](): void {
    this.drop("the engine is closing");
  }

  #end(why: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const listener of this.#listeners.values()) listener({ type: "closed", why });
  }

  #receive(data: unknown): void {
    this.#lastMessageAt = performance.now();
    if (typeof data === "string") this.#receiveText(data);
    else if (data instanceof ArrayBuffer && data.byteLength <= MAX_PICTURE_BYTES) {
      this.#receivePicture(data);
    } else log.warn("message of ComfyUI ignored", { bytes: sizeOf(data) });
  }

  #receiveText(text: string): void {
    if (text.length > MAX_TEXT_CHARACTERS || IGNORED.test(text)) return;
    const message = parsed(text);
    if (!is(SocketMessage, message)) return;
    const { prompt_id: prompt } = message.data;
    if (message.type === "executing") {
      const { node } = message.data;
      this.#current = node === null ? null : { prompt, node };
    }
    const listener = this.#listeners.get(prompt);
    if (listener !== undefined) for (const event of eventsOf(message)) listener(event);
  }

  #receivePicture(data: ArrayBuffer): void {
    if (data.byteLength < 8) return;
    const head = new DataView(data);
    const [kind, second] = [head.getUint32(0), head.getUint32(4)];
    const bytes = new Uint8Array(data);
    if (kind === PICTURE && second === PNG && this.#current !== null) {
      const { prompt, node } = this.#current;
      this.#listeners.get(prompt)?.({ type: "picture", node, png: bytes.subarray(8) });
    } else if (kind === PICTURE_WITH_INFO) {
      const info = parsed(new TextDecoder().decode(bytes.subarray(8, 8 + second)));
      if (!is(PictureInfo, info) || info.image_type !== "image/png") return;
      const png = bytes.subarray(8 + second);
      this.#listeners.get(info.prompt_id)?.({ type: "picture", node: info.node_id, png });
    }
  }
}

function* eventsOf(message: SocketMessage): Generator<PromptEvent> {
  switch (message.type) {
    case "executing": {
      const { node } = message.data;
      yield node === null ? { type: "done" } : { type: "node", node };
      break;
    }
    case "progress": {
      const { node, value, max } = message.data;
      yield { type: "progress", node, value, max };
      break;
    }
    case "executed": {
      const { node, output } = message.data;
      if (!is(NodeOutput, output)) break;
      if (output.images) yield { type: "files", node, files: output.images };
      const texts = output.text?.filter((one) => typeof one === "string");
      const text = texts?.join("\n").slice(0, MAX_SHOWN_CHARACTERS);
      if (text !== undefined) yield { type: "text", node, text };
      break;
    }
    case "execution_success":
      yield { type: "done" };
      break;
    case "execution_interrupted":
      yield { type: "interrupted", node: message.data.node_id };
      break;
    case "execution_error": {
      const { node_id: node, exception_type, exception_message } = message.data;
      const explanation = exception_message.trim();
      yield { type: "failed", node, error: explanation === "" ? exception_type : explanation };
      break;
    }
    default:
      message satisfies never;
  }
}

/** Undefined for text that is not JSON. Python writes NaN and Infinity, which JSON does not have. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/(?<=[:[,] ?)(?:NaN|-?Infinity)(?=[,\]}])/g, "null"));
  } catch {
    return undefined;
  }
}

const sizeOf = (data: unknown): number =>
  data instanceof ArrayBuffer ? data.byteLength : String(data).length;
