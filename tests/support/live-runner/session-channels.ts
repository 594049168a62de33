/** Answers the callbacks with which a runner makes and deletes a session's channels (live-runner.md 3.1). */
import { type Dialect, Refused } from "./dialect.ts";
import type { ChannelDescriptor } from "./o2r.ts";
import type { ReservedSession } from "./registry.ts";
import type { TricklePort } from "./trickle-port.ts";

export interface SessionChannelsOptions {
  readonly dialect: Dialect;
  readonly trickle: TricklePort;
  readonly publicBase: string;
  readonly runnerBase: string;
}

const MAX_PER_REQUEST = 25;
const MAX_IN_ALL = 768;

export class SessionChannels {
  /** False: descriptors have no `internal_url`. */
  internalUrls = true;
  /** Changes the URL of a channel that the runner gets as `internal_url`. */
  runnerUrl = (url: string, _name: string): string => url;
  readonly #options: SessionChannelsOptions;

  constructor(options: SessionChannelsOptions) {
    this.#options = options;
  }

  /** Body and answer of `POST …/channels`. What was made before an error stays. */
  async create(session: ReservedSession, body: unknown): Promise<object> {
    const wanted = this.#list(body).map((one) => {
      const { name, mime_type } = one as { name?: unknown; mime_type?: unknown };
      return { name: String(name ?? ""), mime: String(mime_type ?? "") };
    });
    const channels: ChannelDescriptor[] = [];
    for (const { name, mime } of wanted) channels.push(await this.#make(session, name, mime));
    return { channels };
  }

  /** Body and answer of `DELETE …/channels`. */
  async delete(session: ReservedSession, body: unknown): Promise<object> {
    const { trickle } = this.#options;
    const isStrict = this.#options.dialect.name === "go-livepeer";
    const deleted: string[] = [];
    for (const given of this.#list(body)) {
      const name = this.#normalize(String(given));
      const channel = session.channels.get(name);
      if (channel === undefined && isStrict) throw new Refused(404, "no such channel");
      if (channel === undefined) continue;
      const wasOpen = await trickle.close(channel.channel_name);
      if (!wasOpen && isStrict) throw new Refused(500, "the channel is closed already");
      session.channels.delete(name);
      deleted.push(String(given));
    }
    return { deleted };
  }

  async #make(session: ReservedSession, given: string, mime: string): Promise<ChannelDescriptor> {
    const { dialect, trickle, publicBase, runnerBase } = this.#options;
    const name = this.#normalize(given);
    const known = session.channels.get(name);
    // go-livepeer hands out the descriptor of a channel that was closed or swept, too.
    if (known && (dialect.name === "go-livepeer" || trickle.has(known.channel_name)))
      return this.#shown(known);
    if (dialect.name === "livepeer-node" && trickle.channels >= MAX_IN_ALL)
      throw new Refused(503, "too many channels");
    const channel_name = dialect.channelName(session.id, name);
    const descriptor = {
      name,
      channel_name,
      url: `${publicBase}/ai/trickle/${channel_name}`,
      internal_url: this.runnerUrl(`${runnerBase}/ai/trickle/${channel_name}`, name),
      mime_type: mime.trim() || "application/octet-stream",
    };
    await trickle.make(channel_name, descriptor.mime_type);
    session.channels.set(name, descriptor);
    return this.#shown(descriptor);
  }

  #shown({ internal_url, ...rest }: ChannelDescriptor): ChannelDescriptor {
    return this.internalUrls && internal_url ? { ...rest, internal_url } : rest;
  }

  #normalize(given: string): string {
    if (this.#options.dialect.name === "livepeer-node") {
      if (given === "") throw new Refused(400, "a channel needs a name");
      return given;
    }
    const name = given.trim().replaceAll("/", "-");
    if (!/^[A-Za-z0-9_-]+$/.test(name)) throw new Refused(400, "invalid channel name");
    return name;
  }

  #list(body: unknown): readonly unknown[] {
    const list = (body as { channels?: unknown } | null)?.channels;
    if (!Array.isArray(list) || list.length === 0 || list.length > MAX_PER_REQUEST)
      throw new Refused(400, `channels must be a list of 1 to ${MAX_PER_REQUEST}`);
    return list;
  }
}
