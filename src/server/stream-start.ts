/** Hides how a start request becomes a running stream: seed mode or orchestrator mode, hosts, model, admission. */
import type { Endpoint, StreamSpec } from "../engine/protocol.ts";
import { WorkerError } from "../errors.ts";
import type { EnginePool } from "./engine-pool.ts";
import { checked, fieldsError } from "./field-errors.ts";
import { type HostPolicy, isSameChannel } from "./host-policy.ts";
import { StartFields } from "./stream-fields.ts";
import { defaultParams, mergeParams, rejectGraphs } from "./stream-params.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { StreamStore } from "./stream-store.ts";

const ENGINE_BOOT_MS = 10_000;

/** Any of these members makes a start the orchestrator's (protocol.md 9 row 8). */
const ORCHESTRATOR_KEYS = [
  "gateway_request_id",
  "control_url",
  "events_url",
  "subscribe_url",
  "publish_url",
  "data_url",
];

/** Ids that would hide routes. */
const RESERVED_IDS = ["start", "stop", "params", "status"];

/** What a caller asked for, whichever of the two ways it asked. */
interface StreamStart {
  readonly mode: "seed" | "orchestrator";
  readonly id: string;
  readonly output: string | null;
  readonly input: string | null;
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
  readonly record: StreamRecord;
  readonly ignored: readonly string[];
}

export class StreamStarter {
  readonly #pool: EnginePool;
  readonly #store: StreamStore;
  readonly #hosts: HostPolicy;

  constructor(pool: EnginePool, store: StreamStore, hosts: HostPolicy) {
    this.#pool = pool;
    this.#store = store;
    this.#hosts = hosts;
  }

  /**
   * Settles when the output channel has accepted the stream. Everything that can be refused is refused before anything
   * is sent: `invalid_request`, `refused_host`, `unknown_model`, `at_capacity`, `engine_unavailable`, `channel_refused`.
   */
  async start(request: StartRequest): Promise<Started> {
    const asked = readStart(request.body, request.streamId);
    this.#store.admit(asked.id);
    const spec = await this.#spec(asked);
    await this.#pool.ready(ENGINE_BOOT_MS);
    const defaults = defaultParams({ hasInput: asked.input !== null, mode: asked.mode });
    const { params, ignored } = await this.#pool.withModels((models) =>
      mergeParams(asked.fields, defaults, defaults, models),
    );
    const record = await this.#store.start({
      id: asked.id,
      streamUrl: asked.output,
      capability: request.capability,
      spec,
      params,
      defaults,
    });
    return { record, ignored };
  }

  async #spec({ mode, id, output, input, fields }: StreamStart): Promise<StreamSpec> {
    const seed = mode === "seed";
    const check = (field: string, url: string | null, suffix: string): Promise<Endpoint | null> =>
      url === null
        ? Promise.resolve(null)
        : this.#hosts.check(field, url, seed ? { mode } : { mode, streamId: id, suffix });
    const [to, from] = await Promise.all([
      check(seed ? "stream_url" : "publish_url", output, "-out"),
      check(seed ? "input_url" : "subscribe_url", input, ""),
    ]);
    if (to !== null && from !== null && isSameChannel(to, from))
      throw fieldsError([
        {
          field: "input_url",
          problem: "must be another channel than stream_url: it would read itself",
        },
      ]);
    const container = fields.container ?? (seed ? "fmp4" : "mpegts");
    return {
      ...(to === null ? {} : { output: to }),
      ...(from === null ? {} : { input: from }),
      owns_output: seed,
      container,
      segment_seconds: fields.segment_seconds ?? (container === "fmp4" ? 1 : 2),
      audio: fields.audio ?? fields.audio_codec ?? "auto",
    };
  }
}

function readStart(body: unknown, streamId: string | null): StreamStart {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw fieldsError([{ field: "body", problem: "must be a JSON object" }]);
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
    fields,
  };
}

/** Without control and events channels yet: what a caller needs to run a stream by its own id (protocol.md 1.4). */
function readOrchestratorStart(body: object, streamId: string | null): StreamStart {
  const member = (name: string): string | null => {
    const value: unknown = Reflect.get(body, name) ?? null;
    if (value === null || value === "") return null;
    if (typeof value === "string") return value;
    throw fieldsError([{ field: name, problem: "must be text" }]);
  };
  const id = streamId || member("gateway_request_id");
  if (!id || id.length > 256 || RESERVED_IDS.includes(id)) {
    const problem = `must be 1 to 256 characters, also as X-Stream-Id, and none of ${RESERVED_IDS.join(", ")}`;
    throw fieldsError([{ field: "gateway_request_id", problem }]);
  }
  const params = readParams(Reflect.get(body, "params"));
  rejectGraphs(params);
  const fields = checked(StartFields, params);
  return {
    mode: "orchestrator",
    id,
    output: member("publish_url"),
    input: member("subscribe_url"),
    fields,
  };
}

/** Object, null, JSON text, or a list whose first object counts. */
function readParams(params: unknown): unknown {
  if (params === undefined || params === null || params === "") return {};
  if (Array.isArray(params)) return params.find((one) => typeof one === "object") ?? {};
  if (typeof params !== "string") return params;
  try {
    return readParams(JSON.parse(params));
  } catch (error) {
    const problem = "must be an object, or JSON text of one";
    throw new WorkerError("invalid_request", `params ${problem}`, {
      cause: error,
      details: [{ field: "params", problem }],
    });
  }
}
