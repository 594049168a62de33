/** Starts streams: reads the request by its control protocol, checks hosts, model and admission, then hands it to the store. */
import type { Endpoint, StreamSpec } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import { shown } from "../../shown-value.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { fieldsError } from "../field-errors.ts";
import { isSameChannel } from "../hosts/channel-url.ts";
import type { HostPolicy } from "../hosts/host-policy.ts";
import type {
  ChannelRequest,
  ControlProtocol,
  StreamStart,
} from "../protocols/control-protocol.ts";
import { checkProgram } from "./check-program.ts";
import { checkTexts } from "./check-texts.ts";
import { mergeParams } from "./params.ts";
import { assertPrompted } from "./prompts.ts";
import type { StreamStore } from "./store.ts";
import type { Stream } from "./stream.ts";
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

export interface StarterDeps {
  readonly scheduler: EngineScheduler;
  readonly store: StreamStore;
  readonly hosts: HostPolicy;
  readonly updater: StreamUpdater;
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
    protocol: ControlProtocol,
    { body, streamId, capability }: StartRequest,
  ): Promise<Started> {
    const { scheduler, store, updater } = this.#deps;
    const start = protocol.readStart(asObject(body), streamId);
    store.admit(start.id);
    const { input, output, side } = await this.#checkChannels(start);
    await this.#awaitEngine(protocol);
    const { params: defaults, container: defaultContainer } = protocol.defaults(
      input === null ? "clock" : "input",
    );
    const { params, model, ignored } = await scheduler.withModels((models) =>
      mergeParams(start.fields, defaults, defaults, models),
    );
    if (protocol.needsPrompts) assertPrompted(params, model);
    const hasInput = input !== null;
    const warnings = [
      ...(await checkProgram({ params, model }, { hasInput, stream: null }, scheduler)),
      ...(await checkTexts(params, null, scheduler)),
    ];
    const container = start.fields.container ?? defaultContainer;
    const spec: StreamSpec = {
      ...(output && { output: { endpoint: output, lifecycle: protocol.outputLifecycle } }),
      ...(input && { input }),
      container,
      segment_seconds: start.fields.segment_seconds ?? (container === "fmp4" ? 1 : 2),
      audio: start.fields.audio ?? start.fields.audio_codec ?? "auto",
    };
    const origin = {
      id: start.id,
      protocol,
      channels: protocol.shownChannels(start),
      capability,
      spec,
      params,
      defaults,
      observe: (stream: Stream) =>
        protocol.observe(stream, start, side, {
          update: (target, update) => updater.apply(target, update),
          end: (target, error) => store.end(target, "stopped by orchestrator", error),
        }),
    };
    const stream =
      protocol.answersWhen === "active" ? await store.start(origin) : store.accept(origin);
    updater.started(stream, model);
    return { stream, remarks: { ignored, warnings } };
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
    if (scheduler.models().length === 0) await scheduler.ready(engineTimeoutMs);
  }

  async #checkChannels(start: StreamStart) {
    const [input, output, ...endpoints] = await Promise.all(
      [start.input, start.output, ...Object.values(start.sideChannels)].map((request) =>
        this.#checkChannel(request),
      ),
    );
    if (input && output && isSameChannel(input, output)) throw readsItself(start);
    const side: Record<string, Endpoint> = {};
    for (const [n, name] of Object.keys(start.sideChannels).entries()) {
      const endpoint = endpoints[n];
      if (endpoint) side[name] = endpoint;
    }
    return { input: input ?? null, output: output ?? null, side };
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

function readsItself({ input, output }: StreamStart): WorkerError {
  const problem = `must be another channel than ${output?.field}: the stream would read its own output`;
  return fieldsError([{ field: input?.field ?? "input", problem }]);
}
