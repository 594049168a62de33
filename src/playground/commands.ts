/** Hides how what is on screen looks as curl lines. */
import type { Draft } from "./draft.ts";
import { startBody } from "./start-body.ts";

export interface Command {
  readonly name: string;
  /** Ready for a POSIX shell. */
  readonly line: string;
}

export interface CommandContext {
  readonly origin: string;
  /** The embedded trickle server as the server reaches itself. */
  readonly channels: string;
  readonly draft: Draft;
  /** The stream on screen; null while there is none. */
  readonly id: string | null;
  readonly streamUrl: string | null;
  /** Where it reads from; null where it draws by itself. */
  readonly inputUrl: string | null;
  /** True: the server wants one, and the shell has it as API_TOKEN. */
  readonly withToken: boolean;
}

const NEXT = " \\\n  ";

/** How to start what is on screen; while it runs also how to change, keep and stop it. */
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
    { name: "Keep the segment under way", line: `curl ${origin}${path}/-2 -o segment.mp4` },
    { name: "Stop it", line: `curl -X DELETE ${origin}/stream/${id}${auth}` },
  ];
}

const quoted = (body: object): string => `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
