/** Writes the curl commands that correspond to what is on screen. */
import type { Draft } from "./draft.ts";
import { startBody } from "./start-body.ts";

export interface Command {
  readonly name: string;
  /** Quoted for a POSIX shell. */
  readonly line: string;
}

export interface CommandContext {
  readonly origin: string;
  /** The embedded trickle server's address as the server itself reaches it. */
  readonly channels: string;
  readonly draft: Draft;
  /** The stream on screen; null while there is none. */
  readonly id: string | null;
  readonly streamUrl: string | null;
  /** The channel it reads; null for a stream without input. */
  readonly inputUrl: string | null;
  /** Whether to send a token, which the shell is expected to have as API_TOKEN. */
  readonly withToken: boolean;
}

const NEXT = " \\\n  ";

/** How to start what the form describes, or how to change, copy, save and stop the stream on screen. */
export function commandsFor(context: CommandContext): Command[] {
  const { origin, channels, draft, id, streamUrl, inputUrl, withToken } = context;
  const url = streamUrl ?? `${channels}/picture`;
  const { input_url, stream_url, ...changing } = startBody(draft, url, inputUrl);
  const fixed = { ...(input_url === undefined ? {} : { input_url }), stream_url };
  const auth = withToken ? `${NEXT}-H "Authorization: Bearer $API_TOKEN"` : "";
  const post = (path: string, body: object) =>
    `curl ${origin}${path}${auth}${NEXT}-H "Content-Type: application/json"${NEXT}-d ${quoted(body)}`;
  if (id === null)
    return [{ name: "Start this", line: post("/stream/start", { ...changing, ...fixed }) }];
  const path = URL.parse(url)?.pathname ?? "";
  return [
    { name: "Change it", line: post(`/stream/${id}/params`, changing) },
    {
      name: "Start another like it",
      line: post("/stream/start", { ...changing, ...fixed, stream_url: `${channels}/another` }),
    },
    { name: "Save the current segment", line: `curl ${origin}${path}/-2 -o segment.mp4` },
    { name: "Stop it", line: `curl -X DELETE ${origin}/stream/${id}${auth}` },
  ];
}

const quoted = (body: object): string => `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
