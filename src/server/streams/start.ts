/** Starts streams: reads the request by its control protocol, checks hosts, model and admission, then hands it to the store. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { Container, Endpoint, StreamParams, StreamSpec } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import { shown } from "../../shown-value.ts";
import type { Place } from "../admission.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { fieldsError } from "../field-errors.ts";
import { isSameChannel } from "../hosts/channel-url.ts";
import type { HostPolicy } from "../hosts/host-policy.ts";
import type {
  ChannelRequest,
  ChannelRequests,
  ControlProtocol,
  ShownChannels,
  StartProtocol,
  StreamControl,
} from "../protocols/control-protocol.ts";
import { checkProgram } from "./check-program.ts";
import { checkTexts } from "./check-texts.ts";
import type { Fallbacks } from "./fallbacks.ts";
import type { StartFields } from "./fields.ts";
import type { StreamObserver } from "./observer.ts";
import { mergeParams } from "./params.ts";
import { assertPrompted } from "./prompts.ts";
import type { StreamStore } from "./store.ts";
import type { Stream, StreamOrigin } from "./stream.ts";
import type { Remarks, StreamUpdater } from "./update.ts";

export interface StartRequest {
  readonly body: unknown;
  /** `X-Stream-Id`. */
  readonly streamId: string | null;
  /** The capability that the start came through, if any. */
  readonly capability: string | null;
}

export interface Started {
  readonly stream: Stream;
  readonly remarks: Remarks;
}

type OutputFormat = Pick<StreamSpec, "container" | "segment_seconds" | "audio">;

/** A start whose parameters have been checked. */
export interface PreparedStart {
  readonly params: StreamParams;
  readonly defaults: StreamParams;
  readonly model: ModelInfo;
  readonly format: OutputFormat;
  readonly remarks: Remarks;
}

/** The channels of a start whose hosts have been checked. */
export interface CheckedChannels {
  readonly input: Endpoint | null;
  readonly output: Endpoint | null;
  readonly side: Readonly<Record<string, Endpoint>>;
}

/** How a stream that was prepared begins. */
export interface Beginning {
  readonly id: string;
  readonly channels: CheckedChannels;
  readonly shownChannels: ShownChannels;
  readonly capability: string | null;
  /** A place that is held for it already; it belongs to the stream from now on. */
  readonly place?: Place;
  /** Called once, when the stream is made. */
  readonly observe: (stream: Stream, control: StreamControl) => StreamObserver | null;
}

export interface StarterDeps {
  readonly scheduler: EngineScheduler;
  readonly store: StreamStore;
  readonly hosts: HostPolicy;
  readonly updater: StreamUpdater;
  readonly fallbacks: Pick<Fallbacks, "check">;
}

export class StreamStarter {
  readonly #deps: StarterDeps;

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /**
   * Settles when the protocol answers a start: once the output channel has accepted the stream, or once it is admitted.
   * Everything that can be refused is refused before anything is sent: `invalid_request`, `refused_host`,
   * `unknown_model`, `at_capacity`, `engine_unavailable`, `channel_refused`.
   */
  async start(
    protocol: StartProtocol,
    { body, streamId, capability }: StartRequest,
  ): Promise<Started> {
    const start = protocol.readStart(asObject(body), streamId);
    this.#deps.store.admit(start.id);
    const channels = await this.checkChannels(start);
    const source = channels.input === null ? "clock" : "input";
    const program = await this.prepare(protocol, start.fields, source);
    const { id } = start;
    const shownChannels = protocol.shownChannels(start);
    return await this.begin(protocol, program, {
      id,
      channels,
      shownChannels,
      capability,
      observe: (stream, control) => protocol.observe(stream, start, channels.side, control),
    });
  }

  /**
   * Checks everything about a start that does not depend on its channels. Throws `invalid_request`, `unknown_model` and
   * `engine_unavailable`.
   */
  async prepare(
    protocol: ControlProtocol,
    fields: StartFields,
    source: "input" | "clock",
  ): Promise<PreparedStart> {
    const { scheduler, fallbacks } = this.#deps;
    await this.#awaitEngine(protocol);
    const { params: defaults, container } = protocol.defaults(source);
    const { params, model, ignored } = await scheduler.models.use((models) =>
      mergeParams(fields, defaults, defaults, models),
    );
    if (protocol.needsPrompts) assertPrompted(params, model);
    await fallbacks.check(params.fallback, null);
    const use = { hasInput: source === "input", stream: null };
    const warnings = [
      ...(await checkProgram({ params, model }, use, scheduler)),
      ...(await checkTexts(params, null, scheduler)),
    ];
    const format = formatOf(fields, fields.container ?? container);
    return { params, defaults, model, format, remarks: { ignored, warnings } };
  }

  /** Resolves the channels' hosts. Throws `invalid_request`, `refused_host` and `channel_refused`; sends nothing. */
  async checkChannels(requests: ChannelRequests): Promise<CheckedChannels> {
    const [input, output, ...endpoints] = await Promise.all(
      [requests.input, requests.output, ...Object.values(requests.sideChannels)].map((request) =>
        this.#checkChannel(request),
      ),
    );
    if (input && output && isSameChannel(input, output)) throw readsItself(requests);
    const side: Record<string, Endpoint> = {};
    for (const [n, name] of Object.keys(requests.sideChannels).entries()) {
      const endpoint = endpoints[n];
      if (endpoint) side[name] = endpoint;
    }
    return { input: input ?? null, output: output ?? null, side };
  }

  /** Hands a start that was checked to the store. Settles as `start` does. Throws `at_capacity` and `invalid_request`. */
  async begin(
    protocol: ControlProtocol,
    { params, defaults, model, format, remarks }: PreparedStart,
    { id, channels, shownChannels, capability, place, observe }: Beginning,
  ): Promise<Started> {
    const { store, updater } = this.#deps;
    const { input, output } = channels;
    const control: StreamControl = {
      update: (target, update) => updater.apply(target, update),
      end: (target, error) => store.end(target, "stopped by orchestrator", error),
    };
    const origin: StreamOrigin = {
      id,
      protocol,
      channels: shownChannels,
      capability,
      params,
      defaults,
      spec: {
        ...(output && { output: { endpoint: output, lifecycle: protocol.outputLifecycle } }),
        ...(input && { input }),
        ...format,
      },
      ...(place && { place }),
      observe: (stream) => observe(stream, control),
    };
    const stream =
      protocol.answersWhen === "active" ? await store.start(origin) : store.accept(origin);
    updater.started(stream, model);
    return { stream, remarks };
  }

  /**
   * A start that is answered once the stream is active needs an engine now; for others it is enough to know the models,
   * which the server does from an engine's first message on, also while it restarts.
   */
  async #awaitEngine({ answersWhen, engineTimeoutMs }: ControlProtocol): Promise<void> {
    const { scheduler } = this.#deps;
    if (answersWhen === "active") return await scheduler.ready(engineTimeoutMs);
    if (scheduler.state === "broken")
      throw new WorkerError("engine_unavailable", "no engine can run here; see the log");
    if (scheduler.models.all.length === 0) await scheduler.ready(engineTimeoutMs);
  }

  async #checkChannel(request: ChannelRequest | null): Promise<Endpoint | null> {
    if (request === null) return null;
    return await this.#deps.hosts.check(request.field, request.url, request.rules);
  }
}

function asObject(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw fieldsError([{ field: "body", problem: `must be a JSON object, got ${shown(body)}` }]);
}

/** What the output is made of, as far as a start decides it for good. */
const formatOf = (fields: StartFields, container: Container): OutputFormat => ({
  container,
  segment_seconds: fields.segment_seconds ?? (container === "fmp4" ? 1 : 2),
  audio: fields.audio ?? fields.audio_codec ?? "auto",
});

function readsItself({ input, output }: ChannelRequests): WorkerError {
  const problem = `must be another channel than ${output?.field}: the stream would read its own output`;
  return fieldsError([{ field: input?.field ?? "input", problem }]);
}
