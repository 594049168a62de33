/** Implements the embedded trickle server: go-livepeer's behaviour (protocol.md 4.1, 4.2) on Web requests. */
import { getLogger } from "../../log.ts";
import { bare, CLOSE } from "./bare-response.ts";
import type { Channel } from "./channel.ts";
import { ChannelTable } from "./channel-table.ts";
import { type PeerQuota, PeerQuotas, type TricklePeer } from "./peer-quotas.ts";
import { Quota } from "./quota.ts";
import { receiveSegment } from "./receive-segment.ts";
import { sendSegment } from "./send-segment.ts";
import { Transfers } from "./transfers.ts";

export interface TrickleServerOptions {
  /** True: `POST /{channel}/{seq}` creates its channel. False: only `POST /{channel}` does. */
  readonly autoCreate: boolean;
  /** Default 128. Beyond it 429. */
  readonly maxChannels?: number;
  /** Default 32 MiB. A longer segment is cut there; 413. */
  readonly maxSegmentBytes?: number;
  /** Default 256 MiB over all channels. A segment is cut there; 507. */
  readonly maxTotalBytes?: number;
  /** Requests for segments that are not answered to their end. Default 2048. Beyond it 429. */
  readonly maxRequests?: number;
  /** A channel that got no byte for this long is closed. Default 5 min. */
  readonly idleMs?: number;
  /** A reader that takes nothing for this long, although there is something, is cut off. Default 2 min. */
  readonly stallMs?: number;
  /** Interval at which channels and readers are checked. Default 1 min. */
  readonly sweepMs?: number;
}

const MIB = 1024 * 1024;
/** In UTF-16 code units: a stream id of 256 and a suffix, twice over. */
const MAX_NAME = 600;
const MAX_MIME = 256;
const log = getLogger("trickle");

/**
 * Answers trickle requests. The HTTP layer that mounts it hands over raw bodies and sets no idle timeout.
 *
 * Differs from go-livepeer where Bun.serve cannot follow (no 100 Continue while a POST is silent), in that every idle
 * channel is closed, whatever its name, and in its limits: see `PeerQuotas` for what each peer may use. A request
 * beyond them gets a bare 429, 413 or 507.
 *
 * @example
 * using trickle = new TrickleServer({ autoCreate: true });
 * Bun.serve({
 *   idleTimeout: 0,
 *   fetch: (request, server) => {
 *     const address = server.requestIP(request)?.address ?? "";
 *     const disconnect = () => server.timeout(request, 1);
 *     const path = new URL(request.url).pathname.slice(1);
 *     const answered = () => server.timeout(request, 120);
 *     return trickle.handle(request, path, { address, kind: "remote", disconnect, answered });
 *   },
 * });
 */
export class TrickleServer implements Disposable {
  readonly #channels: ChannelTable;
  readonly #transfers = new Transfers();
  /** Responses whose bodies end later than `handle`. */
  readonly #sending = new WeakSet<Response>();
  readonly #quotas: PeerQuotas;
  readonly #options: Required<TrickleServerOptions>;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: TrickleServerOptions) {
    this.#options = {
      maxChannels: 128,
      maxSegmentBytes: 32 * MIB,
      maxTotalBytes: 256 * MIB,
      maxRequests: 2048,
      idleMs: 300_000,
      stallMs: 120_000,
      sweepMs: 60_000,
      ...options,
    };
    const { maxChannels, maxSegmentBytes, maxTotalBytes, maxRequests } = this.#options;
    this.#channels = new ChannelTable(maxSegmentBytes);
    this.#quotas = new PeerQuotas({
      channels: maxChannels,
      bytes: maxTotalBytes,
      requests: maxRequests,
    });
    this.#sweeper = setInterval(() => this.#sweep(), this.#options.sweepMs);
    this.#sweeper.unref();
  }

  /** Number of channels. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Bytes of memory held by all segments. */
  get bytes(): number {
    return this.#quotas.bytes;
  }

  /** Number of requests for segments that are not answered to their end. */
  get requests(): number {
    return this.#quotas.requests;
  }

  /** Milliseconds since anybody read this channel, or waited for it; null if there is none. */
  unwatchedMs(name: string): number | null {
    return this.#channels.find(name)?.unwatchedMs ?? null;
  }

  /**
   * Answers one request. `path` is `{channel}` or `{channel}/{seq}`, still percent-encoded, without a leading slash;
   * a channel's name is one path segment. Never rejects.
   */
  async handle(request: Request, path: string, peer: TricklePeer): Promise<Response> {
    const response = await this.#answer(request, path, peer);
    if (!this.#sending.delete(response)) peer.answered();
    return response;
  }

  async #answer(request: Request, path: string, peer: TricklePeer): Promise<Response> {
    const [channelPart = "", seqPart, ...more] = path.split("/");
    const name = decode(channelPart);
    if (name === null) return bare(400, "Invalid channel");
    if (name === "" || more.length > 0) return bare(404, "Not found");
    if (name.length > MAX_NAME) return bare(400, `Channel name longer than ${MAX_NAME}`);
    switch (request.method) {
      case "POST":
        return seqPart === undefined
          ? this.#create(request, name, peer)
          : this.#post(request, name, seqPart, peer);
      case "GET":
        return seqPart === undefined
          ? bare(405, "Method not allowed")
          : this.#get(request, name, seqPart, peer);
      case "DELETE":
        return seqPart === undefined ? this.#delete(name) : this.#deleteSegment(name, seqPart);
      default:
        return bare(405, "Method not allowed");
    }
  }

  /** Closes every channel, which ends all pending requests. */
  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
    this.#channels.closeAll();
  }

  #create(request: Request, name: string, peer: TricklePeer): Response {
    const mime = request.headers.get("Expect-Content") ?? "";
    const channel = this.#channels.find(name) ?? this.#make(name, mime, this.#quotas.of(peer));
    return channel instanceof Response ? channel : bare(200);
  }

  async #post(
    request: Request,
    name: string,
    seqPart: string,
    peer: TricklePeer,
  ): Promise<Response> {
    const seq = segmentNumber(seqPart, -1);
    const known = this.#channels.find(name);
    // Connection: close wakes Go publishers that wait with a preconnected POST.
    if (!known && !this.#options.autoCreate) return bare(404, "Stream not found", CLOSE);
    if (seq === null) return bare(400, "Invalid idx");
    const quota = this.#quotas.of(peer);
    const exhausted = quota.requests.take(1);
    if (exhausted) return tooMany("open requests", exhausted);
    const mime = request.headers.get("Content-Type") ?? "";
    const channel = known ?? this.#make(name, mime, quota);
    if (channel instanceof Response) {
      quota.requests.give(1);
      return channel;
    }
    const remove = peer.kind === "own" ? channel.addOwnPublisher() : null;
    try {
      const segment = channel.segmentToWrite(seq);
      if (request.headers.get("Lp-Trickle-Reset")) channel.closeBefore(segment.seq);
      const { body } = request;
      const transfers = this.#transfers;
      return await receiveSegment({ channel, segment, body, quota: quota.bytes, transfers });
    } finally {
      remove?.();
      quota.requests.give(1);
    }
  }

  async #get(
    request: Request,
    name: string,
    seqPart: string,
    peer: TricklePeer,
  ): Promise<Response> {
    const channel = this.#channels.find(name);
    if (channel === undefined) return bare(404, "Stream not found");
    if (seqPart === "next") {
      const next = String(channel.nextWrite);
      return bare(200, next, { "Lp-Trickle-Latest": next });
    }
    const seq = segmentNumber(seqPart, -2);
    if (seq === null) return bare(400, "Invalid idx");
    const quota = this.#quotas.of(peer).requests;
    const exhausted = quota.take(1);
    if (exhausted) return tooMany("open requests", exhausted);
    const latest = channel.nextWrite;
    const segment = channel.segmentToRead(seq);
    if (typeof segment === "number") {
      quota.give(1);
      return bare(470, "Entry not found", {
        "Lp-Trickle-Latest": String(latest),
        "Lp-Trickle-Seq": String(segment),
      });
    }
    const transfers = this.#transfers;
    const leave = channel.addReader();
    const onEnd = () => {
      leave();
      quota.give(1);
      peer.answered();
    };
    const { signal } = request;
    const { disconnect } = peer;
    const options = { channel, segment, latest, signal, transfers, disconnect, onEnd };
    const response = await sendSegment(options);
    this.#sending.add(response);
    return response;
  }

  #delete(name: string): Response {
    return this.#channels.close(name) ? bare(200) : bare(400, "Invalid stream");
  }

  #deleteSegment(name: string, seqPart: string): Response {
    const channel = this.#channels.find(name);
    if (channel === undefined) return bare(404, "Stream not found");
    const seq = segmentNumber(seqPart, 0);
    if (seq === null) return bare(400, "Invalid idx");
    return channel.closeSegment(seq) ? bare(200) : bare(400, "Nonexistent segment");
  }

  /** Creates a channel at the peer's expense, or refuses to. */
  #make(name: string, mime: string, quota: PeerQuota): Channel | Response {
    if (mime.length > MAX_MIME) return bare(400, `Content type longer than ${MAX_MIME}`, CLOSE);
    const channel = this.#channels.create(name, mime, quota.channels);
    return channel instanceof Quota ? tooMany("channels", channel) : channel;
  }

  #sweep(): void {
    this.#channels.closeIdle(this.#options.idleMs);
    const cut = this.#transfers.cutStalled(this.#options.stallMs);
    if (cut > 0) log.info("stalled requests cut off", { requests: cut });
    this.#quotas.prune();
  }
}

const tooMany = (what: string, { scope, limit }: Quota): Response =>
  bare(
    429,
    `Too many ${what}${scope === "peer" ? " from this address" : ""}: at most ${limit}`,
    CLOSE,
  );

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** The sequence number in a path; null if it is not an integer of at least `least`. */
function segmentNumber(part: string, least: -2 | -1 | 0): number | null {
  if (!/^-?\d{1,15}$/.test(part)) return null;
  const seq = Number(part);
  return seq >= least ? seq : null;
}
