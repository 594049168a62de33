/** Stands in for a ComfyUI where the real one cannot run: its routes, its WebSocket and its queue, with a few node classes. */
import type { Server, ServerWebSocket } from "bun";
import {
  CLASSES,
  compute,
  type FakeClass,
  type FakeRun,
  isValid,
  type NodeFault,
  type Prompt,
  type Value,
} from "./fake-comfyui-nodes.ts";

interface Queued {
  readonly id: string;
  readonly prompt: Prompt;
  readonly client: string;
  readonly outputs: readonly string[];
}

export interface FakeComfyOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** The version that it names. */
  readonly version?: string;
  /** Classes that it does not have. */
  readonly without?: readonly string[];
  /** `user:password` that it wants. */
  readonly credentials?: string;
  /** How long an upload takes. */
  readonly uploadMs?: number;
  /** As before 0.3.45: it names prompts itself. */
  readonly namesPrompts?: true;
  /** As before 0.3.55: pictures come without a note. */
  readonly plainPictures?: true;
}

export class FakeComfy implements AsyncDisposable {
  /** Graphs that it ran, also those that did not end well. */
  readonly ran: Prompt[] = [];
  /** Bodies of the graphs that were handed over, as text. */
  readonly received: string[] = [];
  /** By `subfolder/filename`. */
  readonly input = new Map<string, Uint8Array>();
  readonly #options: FakeComfyOptions;
  readonly #server: Server<{ client: string }>;
  readonly #sockets = new Map<string, ServerWebSocket<{ client: string }>>();
  readonly #muted = new WeakSet<ServerWebSocket<{ client: string }>>();
  readonly #withNotes = new Set<string>();
  readonly #temp = new Map<string, Uint8Array>();
  #pending: Queued[] = [];
  #running: Queued | null = null;
  #work: Promise<void> = Promise.resolve();
  #interrupted = false;
  #closing = false;

  constructor(options: FakeComfyOptions = {}) {
    this.#options = options;
    this.#server = Bun.serve<{ client: string }>({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      reusePort: false,
      fetch: async (request, server) => await this.#answer(request, server),
      websocket: {
        open: (socket) => {
          this.#sockets.set(socket.data.client, socket);
          this.#send(socket.data.client, "status", { status: {}, sid: socket.data.client });
        },
        message: ({ data: { client } }, text) => {
          const { type, data } = JSON.parse(String(text));
          const wanted = type === "feature_flags" && data.supports_preview_metadata === true;
          if (wanted && !this.#options.plainPictures) this.#withNotes.add(client);
        },
        close: ({ data: { client } }) => void this.#sockets.delete(client),
      },
    });
  }

  get port(): number {
    return Number(this.#server.port);
  }

  get url(): string {
    const at = this.#options.credentials === undefined ? "" : `${this.#options.credentials}@`;
    return `http://${at}127.0.0.1:${this.port}`;
  }

  /** From now on no message comes over the connections that are open, as over those that a router has forgotten. */
  muteConnections(): void {
    for (const socket of this.#sockets.values()) this.#muted.add(socket);
  }

  /** Ends as a process that is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#interrupted = true;
    this.#pending = [];
    await this.#server.stop(true);
    await this.#work;
  }

  async #answer(
    request: Request,
    server: Server<{ client: string }>,
  ): Promise<Response | undefined> {
    const { pathname, searchParams } = new URL(request.url);
    const { credentials } = this.#options;
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
    if (wanted && request.headers.get("authorization") !== wanted)
      return new Response("unauthorized", { status: 401 });
    const route = `${request.method} ${pathname.replace(/^(\/object_info)\/.*/, "$1")}`;
    switch (route) {
      case "GET /ws": {
        const client = searchParams.get("clientId") ?? "";
        return server.upgrade(request, { data: { client } })
          ? undefined
          : new Response("no", { status: 400 });
      }
      case "GET /object_info": {
        const [, , name] = pathname.split("/");
        const names = name === undefined ? Object.keys(CLASSES) : [name];
        const infos = names.flatMap((one) => {
          const found = this.#classOf(one);
          return found === undefined ? [] : [[one, { output_node: found.isOutput === true }]];
        });
        return Response.json(Object.fromEntries(infos));
      }
      case "GET /system_stats": {
        const { version = "0.3.64" } = this.#options;
        return Response.json({
          system: { comfyui_version: version },
          devices: [{ name: "cpu", type: "cpu" }],
        });
      }
      case "POST /upload/image":
        return await this.#upload(request);
      case "HEAD /view":
      case "GET /view": {
        const name = `${searchParams.get("subfolder") ?? ""}/${searchParams.get("filename")}`;
        const file = (searchParams.get("type") === "temp" ? this.#temp : this.input).get(name);
        return file === undefined
          ? new Response(null, { status: 404 })
          : new Response(new Uint8Array(file));
      }
      case "POST /prompt":
        return this.#queue(await request.text());
      case "GET /queue": {
        const entry = ({ id, prompt }: Queued) => [0, id, prompt];
        const queue_running = this.#running === null ? [] : [entry(this.#running)];
        return Response.json({ queue_running, queue_pending: this.#pending.map(entry) });
      }
      case "POST /queue": {
        const body = (await request.json()) as { clear?: boolean; delete?: string[] };
        this.#pending = this.#pending.filter(({ id }) => !body.clear && !body.delete?.includes(id));
        return new Response();
      }
      case "POST /interrupt": {
        const { prompt_id } = (await request.json()) as { prompt_id?: string };
        if (prompt_id === undefined || prompt_id === this.#running?.id) this.#interrupted = true;
        return new Response();
      }
      default:
        return new Response("not found", { status: 404 });
    }
  }

  async #upload(request: Request): Promise<Response> {
    const form = await request.formData();
    await Bun.sleep(this.#options.uploadMs ?? 0);
    const image = form.get("image");
    const subfolder = String(form.get("subfolder") ?? "");
    if (!(image instanceof File) || form.get("overwrite") !== "true")
      return new Response(null, { status: 400 });
    this.input.set(`${subfolder}/${image.name}`, await image.bytes());
    return Response.json({ name: image.name, subfolder, type: "input" });
  }

  #classOf(name: string): FakeClass | undefined {
    const { without = [] } = this.#options;
    return without.includes(name) || !Object.hasOwn(CLASSES, name) ? undefined : CLASSES[name];
  }

  /** As `validate_prompt`: outputs that are in order run, the others are reported. */
  #queue(text: string): Response {
    this.received.push(text);
    const body = JSON.parse(text);
    const prompt: Prompt = body.prompt;
    const refuse = (type: string, message: string, details: string, node_errors: object) =>
      Response.json(
        { error: { type, message, details, extra_info: {} }, node_errors },
        { status: 400 },
      );
    for (const [id, node] of Object.entries(prompt)) {
      if (this.#classOf(node.class_type) !== undefined) continue;
      const message = `Cannot execute because node ${node.class_type} does not exist.`;
      return refuse("invalid_prompt", message, `Node ID '#${id}'`, {});
    }
    const targets: string[] | undefined = body.partial_execution_targets;
    const outputs = Object.entries(prompt)
      .filter(
        ([id, node]) => this.#classOf(node.class_type)?.isOutput && (targets?.includes(id) ?? true),
      )
      .map(([id]) => id);
    if (outputs.length === 0) return refuse("prompt_no_outputs", "Prompt has no outputs", "", {});
    const faults = new Map<string, NodeFault[]>();
    const hasFile = (name: string) => this.input.has(keyOf(name));
    const good = outputs.filter((id) => isValid(id, prompt, { faults, hasFile }));
    const node_errors = Object.fromEntries(
      [...faults]
        .filter(([, errors]) => errors.length > 0)
        .map(([id, errors]) => [
          id,
          { errors, dependent_outputs: outputs, class_type: prompt[id]?.class_type },
        ]),
    );
    if (good.length === 0) {
      const message = "Prompt outputs failed validation";
      return refuse("prompt_outputs_failed_validation", message, "", node_errors);
    }
    const given = this.#options.namesPrompts ? undefined : body.prompt_id;
    const id: string = given ?? crypto.randomUUID();
    this.#pending.push({ id, prompt, client: body.client_id ?? "", outputs: good });
    for (const one of this.#sockets.keys()) this.#send(one, "status", { status: {} });
    this.#work = this.#work.then(() => this.#next());
    return Response.json({ prompt_id: id, number: 0, node_errors });
  }

  async #next(): Promise<void> {
    const queued = this.#pending.shift();
    if (queued === undefined || this.#closing) return;
    this.#running = queued;
    this.#interrupted = false;
    const { id: prompt_id, client, prompt } = queued;
    this.ran.push(prompt);
    this.#send(client, "execution_start", { prompt_id });
    const done = new Map<string, readonly Value[]>();
    try {
      for (const output of queued.outputs) await this.#run(output, queued, done);
      this.#send(client, "execution_success", { prompt_id });
    } catch (error) {
      const node_id = this.#at;
      const at = { prompt_id, node_id, node_type: prompt[node_id]?.class_type };
      if (error instanceof Interrupted) this.#send(client, "execution_interrupted", at);
      else {
        const exception_message = `${error instanceof Error ? error.message : error}\n`;
        this.#send(client, "execution_error", {
          ...at,
          exception_message,
          exception_type: "RuntimeError",
        });
      }
    }
    this.#running = null;
    this.#send(client, "executing", { node: null, prompt_id });
  }

  /** The node that runs. */
  #at = "";

  async #run(
    id: string,
    queued: Queued,
    done: Map<string, readonly Value[]>,
  ): Promise<readonly Value[]> {
    const known = done.get(id);
    if (known !== undefined) return known;
    const node = queued.prompt[id];
    if (node === undefined) throw new Error(`no node ${id}`);
    const inputs: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(node.inputs)) {
      if (Array.isArray(value)) inputs[name] = (await this.#run(value[0], queued, done))[value[1]];
      else inputs[name] = value;
    }
    this.#at = id;
    if (this.#interrupted) throw new Interrupted();
    this.#send(queued.client, "executing", { node: id, display_node: id, prompt_id: queued.id });
    const outputs = await compute(node.class_type, inputs, this.#runOf(id, queued));
    done.set(id, outputs);
    return outputs;
  }

  #runOf(node: string, queued: Queued): FakeRun {
    const { client, id: prompt_id } = queued;
    const executed = (output: object) =>
      this.#send(client, "executed", { node, output, prompt_id });
    return {
      check: () => {
        if (this.#interrupted) throw new Interrupted();
      },
      file: (name) => this.input.get(keyOf(name)) ?? new Uint8Array(),
      progress: (value, max) => this.#send(client, "progress", { value, max, node, prompt_id }),
      text: (text) => executed({ text: [text] }),
      picture: (png) => this.#sendPicture(queued, node, png),
      saved: (png) => {
        const filename = `ComfyUI_temp_${this.#temp.size}.png`;
        this.#temp.set(keyOf(filename), png);
        executed({ images: [{ filename, subfolder: "", type: "temp" }] });
      },
    };
  }

  #socketOf(client: string): ServerWebSocket<{ client: string }> | undefined {
    const socket = this.#sockets.get(client);
    return socket === undefined || this.#muted.has(socket) ? undefined : socket;
  }

  #send(client: string, type: string, data: object): void {
    this.#socketOf(client)?.send(JSON.stringify({ type, data }));
  }

  #sendPicture({ client, id: prompt_id }: Queued, node_id: string, png: Uint8Array): void {
    const info = Buffer.from(JSON.stringify({ prompt_id, node_id, image_type: "image/png" }));
    const isNoted = this.#withNotes.has(client);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(isNoted ? 4 : 1, 0);
    head.writeUInt32BE(isNoted ? info.length : 2, 4);
    const message = Buffer.concat([head, ...(isNoted ? [info] : []), png]);
    this.#socketOf(client)?.sendBinary(message);
  }
}

class Interrupted extends Error {}

/** A file below a folder, as the maps have it. */
const keyOf = (name: string): string => (name.includes("/") ? name : `/${name}`);
