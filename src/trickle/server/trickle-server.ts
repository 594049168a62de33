/** Hides the embedded trickle server: go-livepeer's behaviour (protocol.md 4.1, 4.2) on Web requests. */
import { getLogger } from "../../log.ts";
import { Channel } from "./channel.ts";
import { ByteBudget } from "./segment-buffer.ts";
import { bare, CLOSE, receiveSegment, sendSegment } from "./segment-exchange.ts";

export interface TrickleServerOptions {
  /** `POST /{channel}/{seq}` makes its channel; otherwise only `POST /{channel}` does. */
  readonly autoCreate: boolean;
  /** Default 128; the next one is answered 429. */
  readonly maxChannels?: number;
  /** Default 32 MiB; a longer one is cut and answered 413. */
  readonly maxSegmentBytes?: number;
  /** Default 256 MiB over all channels; a POST beyond it is cut and answered 507. */
  readonly maxTotalBytes?: number;
  /** A channel without a segment's first byte for so long is closed. Default 5 min. */
  readonly idleMs?: number;
  /** How often that is looked at. Default 1 min. */
  readonly sweepMs?: number;
}

const MIB = 1024 * 1024;
const TOO_MANY = () => bare(429, "Too many channels", CLOSE);
const log = getLogger("trickle");

/**
 * Answers trickle requests; mounted by an HTTP layer that hands over raw bodies and has no idle timeout.
 * Differs from go-livepeer where Bun.serve cannot follow (no 100 Continue while a POST is silent), and in
 * its limits: a request beyond them gets a bare 429, 413 or 507.
 */
export class TrickleServer implements Disposable {
  readonly #channels = new Map<string, Channel>();
  readonly #budget: ByteBudget;
  readonly #options: Required<TrickleServerOptions>;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: TrickleServerOptions) {
    this.#options = {
      maxChannels: 128,
      maxSegmentBytes: 32 * MIB,
      maxTotalBytes: 256 * MIB,
      idleMs: 300_000,
      sweepMs: 60_000,
      ...options,
    };
    this.#budget = new ByteBudget(this.#options.maxTotalBytes);
    this.#sweeper = setInterval(() => this.#sweep(), this.#options.sweepMs);
    this.#sweeper.unref();
  }

  /** Channels that exist. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Memory held by all segments. */
  get bytes(): number {
    return this.#budget.used;
  }

  /**
   * One request. `path` is `{channel}` or `{channel}/{seq}`, still percent-encoded, without a leading slash;
   * a channel's name is one path part. Never rejects.
   */
  async handle(request: Request, path: string): Promise<Response> {
    const [channelPart = "", seqPart, ...more] = path.split("/");
    const name = decode(channelPart);
    if (name === null) return bare(400, "Invalid channel");
    if (name === "" || more.length > 0) return bare(404, "Not found");
    switch (request.method) {
      case "POST":
        return seqPart === undefined
          ? this.#create(request, name)
          : this.#post(request, name, seqPart);
      case "GET":
        return seqPart === undefined
          ? bare(405, "Method not allowed")
          : this.#get(request, name, seqPart);
      case "DELETE":
        return seqPart === undefined ? this.#delete(name) : this.#deleteSegment(name, seqPart);
      default:
        return bare(405, "Method not allowed");
    }
  }

  /** Closes every channel; pending requests end. */
  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
    for (const name of [...this.#channels.keys()]) this.#close(name);
  }

  #create(request: Request, name: string): Response {
    const mime = request.headers.get("Expect-Content") ?? "";
    return (this.#channels.get(name) ?? this.#make(name, mime)) ? bare(200) : TOO_MANY();
  }

  async #post(request: Request, name: string, seqPart: string): Promise<Response> {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      // Connection: close wakes Go publishers that wait with a preconnected POST.
      if (!this.#options.autoCreate) return bare(404, "Stream not found", CLOSE);
      channel = this.#make(name, request.headers.get("Content-Type") ?? "");
      if (channel === undefined) return TOO_MANY();
    }
    const seq = segmentNumber(seqPart, -1);
    if (seq === null) return bare(400, "Invalid idx");
    const segment = channel.forWrite(seq);
    if (request.headers.get("Lp-Trickle-Reset")) channel.closeBefore(segment.seq);
    return receiveSegment(channel, segment, request.body);
  }

  async #get(request: Request, name: string, seqPart: string): Promise<Response> {
    const channel = this.#channels.get(name);
    if (channel === undefined) return bare(404, "Stream not found");
    if (seqPart === "next") {
      const next = String(channel.nextWrite);
      return bare(200, next, { "Lp-Trickle-Latest": next });
    }
    const seq = segmentNumber(seqPart, -2);
    if (seq === null) return bare(400, "Invalid idx");
    const latest = channel.nextWrite;
    const segment = channel.forRead(seq);
    if (typeof segment === "number") {
      return bare(470, "Entry not found", {
        "Lp-Trickle-Latest": String(latest),
        "Lp-Trickle-Seq": String(segment),
      });
    }
    return sendSegment(channel, segment, latest, request.signal);
  }

  #delete(name: string): Response {
    return this.#close(name) ? bare(200) : bare(400, "Invalid stream");
  }

  #deleteSegment(name: string, seqPart: string): Response {
    const channel = this.#channels.get(name);
    if (channel === undefined) return bare(404, "Stream not found");
    const seq = segmentNumber(seqPart, 0);
    if (seq === null) return bare(400, "Invalid idx");
    return channel.closeSegment(seq) ? bare(200) : bare(400, "Nonexistent segment");
  }

  #make(name: string, mime: string): Channel | undefined {
    if (this.#channels.size >= this.#options.maxChannels) return undefined;
    const { maxSegmentBytes } = this.#options;
    const channel = new Channel(name, mime, { maxSegmentBytes, budget: this.#budget });
    this.#channels.set(name, channel);
    log.debug("channel created", { channel: name, mime });
    return channel;
  }

  #close(name: string): boolean {
    const channel = this.#channels.get(name);
    this.#channels.delete(name);
    channel?.close();
    if (channel) log.debug("channel closed", { channel: name });
    return channel !== undefined;
  }

  #sweep(): void {
    for (const channel of [...this.#channels.values()]) {
      if (!channel.name.startsWith("_") && channel.idleMs > this.#options.idleMs) {
        this.#close(channel.name);
      }
    }
  }
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** A segment's number as a path part; null for what is none, or less than the least that has a meaning here. */
function segmentNumber(part: string, least: -2 | -1 | 0): number | null {
  if (!/^-?\d{1,15}$/.test(part)) return null;
  const seq = Number(part);
  return seq >= least ? seq : null;
}
