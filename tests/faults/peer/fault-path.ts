/** Listens in a trickle server's place and relays each connection; its fault may also close or replace the listener. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type CurrentFault, FaultRelay } from "./fault-relay.ts";
import type { FaultSwitch, TrickleFault } from "./faulty-trickle.ts";

/** Key and certificate as PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export interface FaultPathOptions {
  /** Origin of the trickle server, on loopback and without TLS. */
  readonly target: string;
  /** Speaks TLS to the worker with `own`; the fault `certificate` shows `other`. */
  readonly tls?: { readonly own: Identity; readonly other: Identity };
}

type Listening = "relaying" | "nothing" | "cutting" | "relaying as other";

const BURST_MS = 200;

export class FaultPath implements FaultSwitch, AsyncDisposable {
  readonly #options: FaultPathOptions;
  /** A connection that is cut right away has no relay. */
  readonly #open = new Map<Socket, FaultRelay | null>();
  #listening: Listening = "nothing";
  #server: Server | null = null;
  #port = 0;
  #fault: TrickleFault | null = null;
  #over = new AbortController();
  #bursts: Timer | undefined;
  #connections = 0;

  static async open(options: FaultPathOptions): Promise<FaultPath> {
    const path = new FaultPath(options);
    await path.#listen("relaying");
    return path;
  }

  private constructor(options: FaultPathOptions) {
    this.#options = options;
  }

  get origin(): string {
    return `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.#port}`;
  }
  get connections(): number {
    return this.#connections;
  }
  get open(): number {
    return this.#open.size;
  }

  through(url: string): string {
    const { pathname, search } = new URL(url);
    return this.origin + pathname + search;
  }

  async set(fault: TrickleFault): Promise<void> {
    await this.#become(fault);
  }

  async clear(): Promise<void> {
    await this.#become(null);
  }

  cutOpen(): void {
    for (const socket of this.#open.keys()) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#become("refuse");
  }

  async #become(fault: TrickleFault | null): Promise<void> {
    const was = this.#over;
    this.#over = new AbortController();
    this.#fault = fault;
    was.abort();
    clearInterval(this.#bursts);
    await this.#listen(listeningWith(fault));
    if (fault === "refuse") this.cutOpen();
    if (fault === "half_open") for (const relay of this.#open.values()) relay?.vanish();
    if (fault === "continue")
      this.#bursts = setInterval(() => {
        for (const relay of this.#open.values()) relay?.continue();
      }, BURST_MS);
  }

  async #listen(listening: Listening): Promise<void> {
    if (listening === this.#listening) return;
    this.#listening = listening;
    this.#server?.close();
    this.#server = this.#serverFor(listening);
    if (this.#server === null) return;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  #serverFor(listening: Listening): Server | null {
    const { tls } = this.#options;
    const relay = (socket: Socket) => this.#relay(socket);
    switch (listening) {
      case "nothing":
        return null;
      case "cutting":
        return createServer((socket) => this.#cutAtFirstByte(socket));
      case "relaying":
        return tls ? createTlsServer(tls.own, relay) : createServer(relay);
      case "relaying as other":
        if (!tls) throw new Error("a path without TLS has no certificate");
        return createTlsServer(tls.other, relay);
      default:
        return listening satisfies never;
    }
  }

  #relay(socket: Socket): void {
    this.#connections++;
    const fault = (): CurrentFault => ({ kind: this.#fault, over: this.#over.signal });
    const isAgain = this.#connections % 2 === 0;
    const target = Number(new URL(this.#options.target).port);
    const relay = new FaultRelay(socket, { target, fault, isAgain });
    this.#open.set(socket, relay);
    void relay.closed.then(() => this.#open.delete(socket));
  }

  #cutAtFirstByte(socket: Socket): void {
    this.#connections++;
    this.#open.set(socket, null);
    socket.on("error", () => {}); // followed by `close`
    socket.on("close", () => this.#open.delete(socket));
    socket.once("data", () => socket.resetAndDestroy());
  }
}

function listeningWith(fault: TrickleFault | null): Listening {
  if (fault === "refuse") return "nothing";
  if (fault === "handshake_cut") return "cutting";
  return fault === "certificate" ? "relaying as other" : "relaying";
}
