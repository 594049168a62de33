/** Writes the curl commands that correspond to what is on screen. */
import type { Model, Values } from "./api.ts";
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
  /** The draft's; null where nothing is known of it. */
  readonly model: Model | null;
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
  const { origin, channels, draft, model, id, streamUrl, inputUrl, withToken } = context;
  const url = streamUrl ?? `${channels}/picture`;
  const { preset } = draft;
  const asked = {
    ...draft,
    values: withFileNames(draft.values),
    preset: preset && { ...preset, values: withFileNames(preset.values) },
  };
  const { input_url, stream_url, ...rest } = startBody(asked, model, url, inputUrl);
  const changing = { ...rest, ...withPlainGraph(rest) };
  const fixed = { ...(input_url === undefined ? {} : { input_url }), stream_url };
  const auth = withToken ? `${NEXT}-H "Authorization: Bearer $API_TOKEN"` : "";
  const post = (path: string, body: object) =>
    `curl ${origin}${path}${auth}${NEXT}-H "Content-Type: application/json"${NEXT}-d ${bodyArgument(body)}`;
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

/** A graph as an object reads better than its text, unless it has a number that a parser rounds. */
function withPlainGraph({ prompts = [] }: { readonly prompts?: readonly object[] }) {
  const texts = prompts.flatMap((one) =>
    "graph" in one && typeof one.graph === "string" ? one.graph : [],
  );
  if (texts.length === 0 || texts.some((text) => /\d{16}/.test(text))) return {};
  const graphs = texts.map((text): unknown => JSON.parse(text));
  return { prompts: graphs.length === 1 ? graphs[0] : graphs };
}

/** A picture is too long for a command: it is read from a file that is named after the parameter. */
const withFileNames = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const [start, type] =
        (typeof value === "string" && /^data:image\/(\w+);base64,/.exec(value)) || [];
      return [name, start === undefined ? value : `${start}<${name}.${type}>`];
    }),
  );

const FILE_NAME = /(?<="data:image\/\w+;base64,)<([\w.-]+)>(?=")/g;

/** The body in quotes or, where a file is read, as a here-document: arguments are limited to 128 KiB. */
function bodyArgument(body: object): string {
  const json = JSON.stringify(body);
  if (json.search(FILE_NAME) < 0) return `'${json.replaceAll("'", "'\\''")}'`;
  const text = json
    .replace(/[\\$`]/g, "\\$&")
    .replace(FILE_NAME, (_, file) => `$(base64 < ${file} | tr -d '\\n')`);
  return `@- <<END\n${text}\nEND`;
}
