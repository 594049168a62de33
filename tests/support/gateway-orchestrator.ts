/**
 * Simulates the stream side of go-livepeer's orchestrator: channels, and the calls to a worker (protocol.md 1.4 to 1.6,
 * 5.1). Payments and the hop from the gateway are left out.
 */
import type { ChannelRole } from "./gateway-watchdogs.ts";
import type { Orchestrator, RegisteredCapability } from "./orchestrator.ts";
import { CHANNELS, type ChannelName } from "./orchestrator-channels.ts";

export interface StreamFlags {
  readonly ingress: boolean;
  readonly egress: boolean;
  readonly data: boolean;
}

/** The part of a worker's answer that is passed on to the gateway. */
export interface RelayedAnswer {
  readonly status: number;
  readonly text: string;
  /** Time until the response head. */
  readonly tookMs: number;
}

/** Names of the channels in a start body; the gateway's input is what the worker subscribes to. */
const nameOf = (role: ChannelRole): ChannelName =>
  role === "input" ? "subscribe" : role === "output" ? "publish" : role;

export const rolesOf = ({ ingress, egress, data }: StreamFlags): ChannelRole[] => [
  "control",
  "events",
  ...(ingress ? (["input"] as const) : []),
  ...(egress ? (["output"] as const) : []),
  ...(data ? (["data"] as const) : []),
];

export interface OrchestratorStreamsOptions {
  /** Where the worker has registered. */
  readonly orchestrator: Orchestrator;
  readonly capability: string;
  /** Base of the channels' URLs as the gateway reaches them, without a trailing slash. */
  readonly trickleUrl: string;
  /** The base that the worker is given (`-liveAITrickleHostForRunner`). */
  readonly trickleUrlForWorker?: string;
  /** The URL of a channel that the worker is given, where its channels have different paths. */
  readonly urlForWorker?: (url: string, role: ChannelRole) => string;
}

export class OrchestratorStreams {
  readonly #options: OrchestratorStreamsOptions;
  readonly #live = new Map<string, readonly ChannelRole[]>();

  constructor(options: OrchestratorStreamsOptions) {
    this.#options = options;
  }

  /** URL of a channel as the gateway reaches it. */
  url(id: string, role: ChannelRole): string {
    return `${this.#options.trickleUrl}/${id}${CHANNELS[nameOf(role)].suffix}`;
  }

  /** Creates the channels and calls the worker. Closes the channels again unless it succeeds. */
  async start(
    id: string,
    flags: StreamFlags,
    { params = null, timeoutMs = 30_000 }: { params?: object | null; timeoutMs?: number } = {},
  ): Promise<RelayedAnswer> {
    const roles = rolesOf(flags);
    const { capability, trickleUrl, trickleUrlForWorker = trickleUrl } = this.#options;
    const { urlForWorker = (url: string) => url } = this.#options;
    for (const role of roles) {
      const headers = { "Expect-Content": CHANNELS[nameOf(role)].mime };
      const created = await fetch(this.url(id, role), { method: "POST", headers });
      if (created.status !== 200) throw new Error(`creating ${role}: ${created.status}`);
    }
    const urls = roles.map((role) => {
      const name = nameOf(role);
      const url = `${trickleUrlForWorker}/${id}${CHANNELS[name].suffix}`;
      return [`${name}_url`, urlForWorker(url, role)];
    });
    const body = { gateway_request_id: id, ...Object.fromEntries(urls), params };
    const answer = await this.#call(id, "start", JSON.stringify(body), timeoutMs);
    if (answer.status === 401) this.#options.orchestrator.capabilities.delete(capability);
    if (answer.status === 0 || answer.status >= 400 || this.#live.has(id)) {
      await this.closeChannels(id, roles);
      return answer.status < 400 ? { ...answer, status: 500 } : answer;
    }
    this.#live.set(id, roles);
    return answer;
  }

  /** Stops the stream; a gateway's own stop sends `reason` as plain text. */
  async stop(id: string, reason = "stopped", timeoutMs = 10_000): Promise<RelayedAnswer> {
    const answer = await this.#call(id, "stop", reason, timeoutMs);
    await this.vanish(id);
    return answer;
  }

  update(id: string, body: object): Promise<RelayedAnswer> {
    return this.#call(id, "params", JSON.stringify(body), 10_000);
  }

  /** Ends the stream without calling the worker, as for a stream that is no longer paid for. */
  async vanish(id: string): Promise<void> {
    const roles = this.#live.get(id) ?? [];
    this.#live.delete(id);
    await this.closeChannels(id, roles);
  }

  /** Forgets all streams, as after a restart; the channels stay. */
  forget(id: string): void {
    this.#live.delete(id);
  }

  async closeChannels(id: string, roles: readonly ChannelRole[]): Promise<void> {
    await Promise.all(roles.map((role) => fetch(this.url(id, role), { method: "DELETE" })));
  }

  /** Status 0: no answer within `timeoutMs`, or no connection. */
  async #call(id: string, call: string, body: string, timeoutMs: number): Promise<RelayedAnswer> {
    const { url, token } = this.#registered();
    const headers = {
      "X-Stream-Id": id,
      ...(call === "stop" ? {} : { "Content-Type": "application/json" }),
      ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
    };
    const begun = performance.now();
    try {
      const answer = await fetch(`${url}/stream/${call}`, {
        method: "POST",
        headers,
        body: new TextEncoder().encode(body), // a string would set a Content-Type
        signal: AbortSignal.timeout(timeoutMs),
        tls: { rejectUnauthorized: false },
      });
      const tookMs = performance.now() - begun;
      return { status: answer.status, text: await answer.text(), tookMs };
    } catch (error) {
      return { status: 0, text: String(error), tookMs: performance.now() - begun };
    }
  }

  #registered(): RegisteredCapability {
    const { orchestrator, capability } = this.#options;
    const registered = orchestrator.capabilities.get(capability);
    if (registered === undefined) throw new Error(`${capability} is not registered`);
    return registered;
  }
}
