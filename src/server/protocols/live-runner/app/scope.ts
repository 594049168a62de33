/** Reads and answers a start in the form of livepeer-gateway's `start_scope` (live-runner.md 4.1). */
import { type Static, Type } from "@sinclair/typebox";
import type { SessionObject } from "./session-object.ts";

export const ScopeBody = Type.Object(
  {
    gateway_request_id: Type.Optional(Type.String()),
    stream_id: Type.Optional(Type.String()),
    model_id: Type.Optional(Type.String({ description: "what the caller calls the app" })),
    params: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "the fields of a start" }),
    ),
  },
  { additionalProperties: true },
);

export const ScopeAnswer = Type.Object(
  {
    success: Type.Literal(true),
    manifest_id: Type.String({ description: "the session" }),
    publish_url: Type.String({ description: "channel to publish MPEG-TS to" }),
    subscribe_url: Type.String({ description: "channel to read MPEG-TS from" }),
    control_url: Type.Optional(Type.String()),
    events_url: Type.Optional(Type.String()),
    data_url: Type.Optional(Type.String()),
    ignored: Type.Optional(Type.Array(Type.String())),
  },
  { description: "the session has started" },
);
export type ScopeAnswer = Static<typeof ScopeAnswer>;

/** Names that the caller has for the stream and the app: the session has its own. */
const NAMES = ["gateway_request_id", "stream_id", "model_id"];

/** The body of a start. Its jobs read events and write control, so both channels are made unless they are switched off. */
export function scopeStart(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const fields = Object.entries(body).filter(([name]) => !NAMES.includes(name));
  const { params, ...rest }: Record<string, unknown> = Object.fromEntries(fields);
  const switches = { events: true, control: true };
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  if (isObject || params === undefined) return { ...switches, ...params, ...rest };
  return { ...rest, params }; // its reader refuses it
}

export const scopeAnswer = (session: SessionObject): ScopeAnswer => ({
  success: true,
  manifest_id: session.session,
  publish_url: session.in,
  subscribe_url: session.out,
  ...(session.control !== undefined && { control_url: session.control }),
  ...(session.events !== undefined && { events_url: session.events }),
  ...(session.data !== undefined && { data_url: session.data }),
  ...(session.ignored !== undefined && { ignored: session.ignored }),
});
