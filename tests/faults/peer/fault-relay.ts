/** Relays one request of a worker to its trickle server, and misbehaves as the path's fault wants it just then. */
import { connect, type Socket } from "node:net";
import { pause } from "../../../src/streams/pause.ts";
import {
  askedOf,
  changedAnswer,
  earlyAnswer,
  ownAnswer,
  parseRequest,
  type RelayedRequest,
} from "./fault-answers.ts";
import type { TrickleFault } from "./faulty-trickle.ts";
import { CHUNKED, END_OF_CHUNKS, formatChunk, framed, HttpWire, header } from "./http-wire.ts";

/** What all relays of a path look at. */
export interface CurrentFault {
  readonly kind: TrickleFault | null;
  /** Aborts when it is replaced. */
  readonly over: AbortSignal;
}

export interface FaultRelayOptions {
  /** Port of the trickle server. */
  readonly target: number;
  readonly fault: () => CurrentFault;
  /** The request, if it is a GET, is for what the one before has got. */
  readonly isAgain: boolean;
}

const LATE_MS = 1500;
const ARRIVAL_MS = 20;
const SLOW = { bytes: 1024, everyMs: 250 };
/** A burst of `continue`. */
const CONTINUES = "HTTP/1.1 100 Continue\r\n\r\n".repeat(20);

export class FaultRelay {
  /** Resolves when the worker's connection is closed. */
  readonly closed: Promise<void>;
  readonly #near: Socket;
  readonly #options: FaultRelayOptions;
  #far: Socket | null = null;
  #isAnswered = false;
  /** The peer is gone for this connection, and stays so. */
  #isDead = false;

  constructor(near: Socket, options: FaultRelayOptions) {
    this.#near = near;
    this.#options = options;
    this.closed = new Promise((resolve) => near.on("close", () => resolve()));
    void this.closed.then(() => this.#far?.destroy());
    near.on("error", () => {}); // followed by `close`
    this.#run().catch(() => this.#isDead || this.reset());
  }

  reset(): void {
    this.#near.resetAndDestroy();
  }

  /** From now on all bytes are dropped, and the worker sees neither an end nor a reset. */
  vanish(): void {
    this.#isDead = true;
  }

  /** Sends 100 Continue, many times, if an answer is due. */
  continue(): void {
    if (this.#far !== null && !this.#isAnswered && !this.#isDead) this.#near.write(CONTINUES);
  }

  /** What was sent before arrives: a reset in the same moment takes it along. */
  async #resetSoon(): Promise<void> {
    await this.#pause(ARRIVAL_MS);
    this.reset();
  }

  get #fault(): TrickleFault | null {
    return this.#options.fault().kind;
  }

  async #run(): Promise<void> {
    const wire = new HttpWire(this.#near);
    await this.#proceed();
    const head = await wire.head();
    if (head === null) return void this.#near.destroy();
    await this.#proceed();
    const request = parseRequest(head);
    const body = wire.body(head);
    const own = this.#isDead ? null : ownAnswer(this.#fault, request);
    if (own !== null) this.#near.end(own);
    if (own !== null || this.#isDead) return drain(body);
    const far = connect(this.#options.target, "127.0.0.1");
    far.on("error", () => {}); // its reader sees it
    this.#far = far;
    if (this.#near.destroyed) far.destroy();
    const isAgain = this.#options.isAgain && this.#fault === "duplicate";
    const hasBody = header(head, "transfer-encoding") ?? header(head, "content-length");
    far.write(framed(askedOf(request, isAgain), hasBody === undefined ? null : CHUNKED));
    const up = hasBody === undefined ? null : this.#up(body, far, request);
    await Promise.all([up, this.#down(new HttpWire(far), request)]);
  }

  async #up(body: AsyncIterable<Buffer>, far: Socket, request: RelayedRequest): Promise<void> {
    let isClosed = false;
    for await (const data of body) {
      await this.#proceed();
      if (this.#isDead || isClosed) continue;
      await this.#send(far, data, formatChunk);
      if (this.#fault === "reset") return this.#resetSoon();
      if (this.#fault !== "early_close" || this.#isAnswered) continue;
      isClosed = this.#isAnswered = true;
      this.#near.end(earlyAnswer(request));
      far.write(END_OF_CHUNKS);
    }
    if (!this.#isDead && !isClosed) far.write(END_OF_CHUNKS);
  }

  async #down(wire: HttpWire, request: RelayedRequest): Promise<void> {
    let head = await wire.head();
    while (head?.start.startsWith("HTTP/1.1 1")) head = await wire.head();
    if (this.#fault === "late") await this.#pause(LATE_MS);
    await this.#proceed();
    if (this.#isAnswered || this.#isDead) return;
    if (head === null) return this.reset();
    this.#isAnswered = true;
    const { head: changed, framing } = changedAnswer(this.#fault, request, head);
    const format = framing === CHUNKED ? formatChunk : asItIs;
    this.#near.write(framed(changed, framing));
    const isSegment = request.method === "GET" && request.seq !== null;
    for await (const data of wire.body(head)) {
      await this.#proceed();
      if (this.#isDead || (isSegment && this.#fault === "empty")) continue;
      await this.#send(this.#near, data, format);
      if (this.#fault === "reset") return this.#resetSoon();
      if (isSegment && this.#fault === "early_close") break;
    }
    await this.#proceed();
    if (!this.#isDead) this.#near.end(framing === CHUNKED ? END_OF_CHUNKS : "");
  }

  async #send(to: Socket, data: Buffer, format: (data: Buffer) => Buffer): Promise<void> {
    let rest = data;
    while (this.#fault === "slow" && rest.length > 0 && !to.destroyed) {
      to.write(format(rest.subarray(0, SLOW.bytes)));
      rest = rest.subarray(SLOW.bytes);
      await this.#pause(SLOW.everyMs);
    }
    if (rest.length === 0 || to.destroyed || to.write(format(rest))) return;
    await new Promise<void>((resolve) => {
      to.once("drain", resolve);
      to.once("close", () => resolve());
    });
  }

  /** Waits while the peer is stalled; from then on it is dead if it is half open. */
  async #proceed(): Promise<void> {
    for (;;) {
      const { kind, over } = this.#options.fault();
      if (kind === "half_open") this.#isDead = true;
      if (kind !== "stall") return;
      await Promise.race([this.closed, aborted(over)]);
      if (this.#near.destroyed) return;
    }
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#options.fault().over);
  }
}

const asItIs = (data: Buffer): Buffer => data;

async function drain(body: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of body);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
