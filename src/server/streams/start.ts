/** Hides how a start request becomes a running stream: seed mode or orchestrator mode, hosts, model, admission. */
import type { Endpoint, StreamSpec } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { checked, fieldsError, shown } from "../field-errors.ts";
import { isSameChannel } from "../hosts/channel-url.ts";
import type { HostPolicy } from "../hosts/host-policy.ts";
import {
  ByocChannels,
  NETWORK_TIMING,
  type NetworkChannels,
  type NetworkTiming,
} from "../protocols/byoc/channels.ts";
import { fromPytrickle } from "../protocols/byoc/pytrickle-params.ts";
import { StartFields } from "./fields.ts";
import { defaultParams, mergeParams, rejectGraphs } from "./params.ts";
import type { StreamStore } from "./store.ts";
import type { Stream } from "./stream.ts";
import type { StreamUpdater } from "./update.ts";
import { wrappedParams } from "./wrapped-params.ts";

const ENGINE_BOOT_MS = 10_000;
/** An orchestrator is answered within a second; it asks another worker when this one is not up yet. */
const NETWORK_BOOT_MS = 800;

/** Any of these members makes a start the orchestrator's (protocol.md 9 row 8). */
const ORCHESTRATOR_KEYS = [
  "gateway_request_id",
  "control_url",
  "events_url",
  "subscribe_url",
  "publish_url",
  "data_url",
];

/** A gateway leaves when no segment begins for 30 s (protocol.md 6.3). */
const MAX_NETWORK_SEGMENT_SECONDS = 10;

/** Ids that would hide routes. */
const RESERVED_IDS = ["start", "stop", "params", "status"];

/** What a caller asked for, whichever of the two ways it asked. URLs that are absent are null. */
interface StreamStart {
  readonly mode: "seed" | "orchestrator";
  readonly id: string;
  readonly output: string | null;
  readonly input: string | null;
  readonly control: string | null;
  readonly events: string | null;
  readonly data: string | null;
  readonly fields: StartFields;
}

export interface StartRequest {
  readonly body: unknown;
  /** `X-Stream-Id`. */
  readonly streamId: string | null;
  /** The capability it came through, if any. */
  readonly capability: string | null;
}

export interface Started {
  readonly record: Stream;
  readonly ignored: readonly string[];
}

export interface StarterDeps {
  readonly pool: EngineScheduler;
  readonly store: StreamStore;
  readonly hosts: HostPolicy;
  readonly updater: StreamUpdater;
  /** Default: that of protocol.md. */
  readonly timing?: NetworkTiming;
}

export class StreamStarter {
  readonly #deps: StarterDeps;

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /**
   * In seed mode settles when the output channel has accepted the stream; in orchestrator mode as soon as nothing speaks
   * against it, within a second: the rest is told on its channels. Everything that can be refused is refused before
   * anything is sent: `invalid_request`, `refused_host`, `unknown_model`, `at_capacity`, `engine_unavailable`,
   * `channel_refused`.
   */
  async start(request: StartRequest): Promise<Started> {
    const { pool, store } = this.#deps;
    const asked = readStart(request.body, request.streamId);
    store.admit(asked.id);
    const { spec, channels } = await this.#checked(asked);
    await this.#engine(asked.mode);
    const defaults = defaultParams({ hasInput: asked.input !== null, mode: asked.mode });
    const { params, ignored } = await pool.withModels((models) =>
      mergeParams(asked.fields, defaults, defaults, models),
    );
    const origin = {
      id: asked.id,
      streamUrl: asked.output,
      capability: request.capability,
      spec,
      params,
      defaults,
    };
    if (asked.mode === "seed") return { record: await store.start(origin), ignored };
    const attend = (record: Stream) => this.#attend(record, channels, asked.fields);
    return { record: store.begin({ ...origin, attend }), ignored };
  }

  /** Models are known from an engine's first word on, also while it restarts: only before that there is a wait. */
  async #engine(mode: StreamStart["mode"]): Promise<void> {
    const { pool } = this.#deps;
    if (mode === "seed") return await pool.ready(ENGINE_BOOT_MS);
    if (pool.state === "broken")
      throw new WorkerError("engine_unavailable", "no engine can run here; see the log");
    if (pool.models().length === 0) await pool.ready(NETWORK_BOOT_MS);
  }

  #attend(record: Stream, channels: NetworkChannels, fields: StartFields): ByocChannels {
    const { store, updater, timing = NETWORK_TIMING } = this.#deps;
    return new ByocChannels(record, {
      channels,
      dataFormat: fields.data_format ?? "arrays",
      timing,
      update: (target, body) => updater.apply(target, body),
      stop: (target, error) => store.end(target, error),
    });
  }

  async #checked(
    asked: StreamStart,
  ): Promise<{ readonly spec: StreamSpec; readonly channels: NetworkChannels }> {
    const { mode, id, output, input, fields } = asked;
    const seed = mode === "seed";
    const check = (field: string, url: string | null, suffix: string): Promise<Endpoint | null> =>
      url === null
        ? Promise.resolve(null)
        : this.#deps.hosts.check(field, url, seed ? { mode } : { mode, streamId: id, suffix });
    const [to, from, control, events, data] = await Promise.all([
      check(seed ? "stream_url" : "publish_url", output, "-out"),
      check(seed ? "input_url" : "subscribe_url", input, ""),
      check("control_url", asked.control, "-control"),
      check("events_url", asked.events, "-events"),
      check("data_url", asked.data, "-data"),
    ]);
    if (to !== null && from !== null && isSameChannel(to, from))
      throw fieldsError([
        {
          field: "input_url",
          problem: "must be another channel than stream_url: it would read itself",
        },
      ]);
    const container = fields.container ?? (seed ? "fmp4" : "mpegts");
    const spec = {
      ...(to === null ? {} : { output: to }),
      ...(from === null ? {} : { input: from }),
      owns_output: seed,
      container,
      segment_seconds: fields.segment_seconds ?? (container === "fmp4" ? 1 : 2),
      audio: fields.audio ?? fields.audio_codec ?? "auto",
    };
    return { spec, channels: { control, events, data } };
  }
}

function readStart(body: unknown, streamId: string | null): StreamStart {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw fieldsError([{ field: "body", problem: `must be a JSON object, got ${shown(body)}` }]);
  return ORCHESTRATOR_KEYS.some((key) => key in body)
    ? readOrchestratorStart(body, streamId)
    : readSeedStart(body);
}

function readSeedStart(body: object): StreamStart {
  rejectGraphs(body);
  const fields = checked(StartFields, body);
  const prompts = fields.prompts ?? fields.prompt;
  const missing = [
    ...(prompts == null ? ["prompts"] : []),
    ...(fields.stream_url == null ? ["stream_url"] : []),
  ];
  if (missing.length > 0)
    throw fieldsError(missing.map((field) => ({ field, problem: "is required and not empty" })));
  return {
    mode: "seed",
    id: crypto.randomUUID(),
    output: fields.stream_url ?? null,
    input: fields.input_url ?? null,
    control: null,
    events: null,
    data: null,
    fields,
  };
}

/** Any of the channels may be left out (protocol.md 1.4). */
function readOrchestratorStart(body: object, streamId: string | null): StreamStart {
  const member = (name: string): string | null => {
    const value: unknown = Reflect.get(body, name) ?? null;
    if (value === null || value === "") return null;
    if (typeof value === "string") return value;
    throw fieldsError([{ field: name, problem: `must be text, got ${shown(value)}` }]);
  };
  const id = streamId || member("gateway_request_id");
  if (!id || id.length > 256 || RESERVED_IDS.includes(id)) {
    const problem = `must be 1 to 256 characters, also as X-Stream-Id, and none of ${RESERVED_IDS.join(", ")}`;
    throw fieldsError([{ field: "gateway_request_id", problem }]);
  }
  const params = fromPytrickle(wrappedParams(Reflect.get(body, "params")), "start");
  rejectGraphs(params);
  const fields = checked(StartFields, params);
  if ((fields.segment_seconds ?? 0) > MAX_NETWORK_SEGMENT_SECONDS) {
    const problem = `must be at most ${MAX_NETWORK_SEGMENT_SECONDS} for a gateway, got ${fields.segment_seconds}`;
    throw fieldsError([{ field: "segment_seconds", problem }]);
  }
  return {
    mode: "orchestrator",
    id,
    output: member("publish_url"),
    input: member("subscribe_url"),
    control: member("control_url"),
    events: member("events_url"),
    data: member("data_url"),
    fields,
  };
}
