/** The control protocol of a BYOC orchestrator: URLs and a `params` object in, events and data channels out (protocol.md 1.4–1.6, 5). */
import type { PlainError } from "../../../errors.ts";
import { shown } from "../../../shown-value.ts";
import { fieldsError } from "../../field-errors.ts";
import { StartFields } from "../../streams/fields.ts";
import { CLOCK_DEFAULTS, INPUT_DEFAULTS, readFields } from "../../streams/params.ts";
import { wrappedParams } from "../../streams/wrapped-params.ts";
import type { ChannelRequest, StartProtocol } from "../control-protocol.ts";
import {
  type SideChannelRules,
  SideChannels,
  type SideChannelTiming,
} from "../side-channels/side-channels.ts";
import { fromPytrickle } from "./pytrickle-params.ts";

/** A start is answered within a second: an orchestrator asks another worker while this one boots. */
const ENGINE_BOOT_MS = 800;

/** A gateway leaves when no segment begins for 30 s (protocol.md 6.3). */
const MAX_SEGMENT_SECONDS = 10;

/** Without this error gateways wait 30 s before they look for another worker. */
const SHUTDOWN: PlainError = { kind: "at_capacity", message: "the worker is shutting down" };

/** Any of these members makes a start an orchestrator's (protocol.md 9 row 8). */
const ORCHESTRATOR_KEYS = [
  "gateway_request_id",
  "control_url",
  "events_url",
  "subscribe_url",
  "publish_url",
  "data_url",
];

/** The intervals of protocol.md 5.2 to 5.4. */
const TIMING: SideChannelTiming = {
  beatMs: 5000,
  silenceMs: 60_000,
  batchMs: 333,
  keepAliveMs: 25_000,
};

/** An orchestrator closes all channels of a stream or none. */
const RULES: Omit<SideChannelRules, "timing"> = {
  pipeline: "byoc",
  fields: { control: "control_url", events: "events_url", data: "data_url" },
  fate: "shared",
  unapplied: "skipped",
};

/** The id may come as X-Stream-Id instead. */
const ID_FIELD = "gateway_request_id";

/** True for a start that an orchestrator sends. */
export const isByocStart = (body: unknown): boolean =>
  typeof body === "object" && body !== null && ORCHESTRATOR_KEYS.some((key) => key in body);

/** @param timing intervals of events and data; a test may shorten them. */
export const byocProtocol = (timing: SideChannelTiming = TIMING): StartProtocol => ({
  name: "byoc",
  idField: ID_FIELD,
  channelFields: { input: "subscribe_url", output: "publish_url" },
  outputLifecycle: "given",
  answersWhen: "admitted",
  engineTimeoutMs: ENGINE_BOOT_MS,
  shutdownError: SHUTDOWN,
  atShutdown: "end",
  needsPrompts: false,
  presetsChange: "present",

  readStart: (body, streamId) => {
    const id = readId(body, streamId);
    // The suffixes tell an orchestrator's channels of one stream apart (protocol.md 1.4).
    const channel = (field: string, suffix: string): ChannelRequest | null => {
      const url = textMember(body, field);
      const rules = { mode: "orchestrator", streamId: id, suffix } as const;
      return url === null ? null : { field, url, rules };
    };
    const params = fromPytrickle(wrappedParams(Reflect.get(body, "params")), "start");
    return {
      id,
      input: channel("subscribe_url", ""),
      output: channel("publish_url", "-out"),
      sideChannels: {
        control: channel("control_url", "-control"),
        events: channel("events_url", "-events"),
        data: channel("data_url", "-data"),
      },
      fields: withinLimits(readFields(StartFields, params)),
    };
  },
  readUpdate: (body) => fromPytrickle(body, "update"),
  // Without a size in the request the output has the input's.
  defaults: (source) => ({
    params: source === "input" ? INPUT_DEFAULTS : CLOCK_DEFAULTS,
    container: "mpegts",
  }),

  // The channels of an orchestrator are credentials.
  shownChannels: () => ({ stream_url: null, input_url: null }),
  startAnswer: ({ id }) => ({
    status: "success",
    message: "Stream started",
    request_id: id,
    current_state: "OK",
  }),
  observe: (stream, { fields }, channels, control) => {
    const dataFormat = fields.data_format === "lines" ? "lines" : "lists";
    return new SideChannels(stream, { channels, dataFormat, rules: { ...RULES, timing }, control });
  },
});

/** The header wins over the body's member (protocol.md 1.4). */
function readId(body: object, streamId: string | null): string {
  const id = streamId || textMember(body, ID_FIELD);
  if (id && id.length <= 256) return id;
  const problem = "must be 1 to 256 characters, in the body or as X-Stream-Id";
  throw fieldsError([{ field: ID_FIELD, problem }]);
}

/** A member that is absent, null or empty text is null. */
function textMember(body: object, field: string): string | null {
  const value: unknown = Reflect.get(body, field) ?? "";
  if (typeof value === "string") return value || null;
  throw fieldsError([{ field, problem: `must be text, got ${shown(value)}` }]);
}

function withinLimits(fields: StartFields): StartFields {
  if ((fields.segment_seconds ?? 0) <= MAX_SEGMENT_SECONDS) return fields;
  const problem = `must be at most ${MAX_SEGMENT_SECONDS} for an orchestrator's stream, got ${fields.segment_seconds}`;
  throw fieldsError([{ field: "segment_seconds", problem }]);
}
