/**
 * Hides how a batch answer travels as server-sent events, so that go-livepeer's relays carry it (protocol.md 1.3.1): one
 * JSON object a `data:` line, no line of 64 KiB, and `[DONE]` in the last line and in no other.
 */
import { errorBody } from "./http-error.ts";

/** Relays and proxies see that we live. */
const COMMENT_EVERY_MS = 10_000;
/**
 * Characters of the answer in one event. A character takes at most 3 bytes, as of what JSON escapes only quotes and
 * backslashes are left; halves of a pair that is torn take 6, and there are two at most.
 */
const PART_CHARACTERS = 20_000;

/** What a followed job has to say before its answer. */
export interface JobProgress {
  readonly step: string;
  /** Since the request came, in milliseconds. */
  readonly elapsed_ms: number;
}

/** How a job ended; `metadata` is what an answer in one piece has as `X-Metadata`. */
export interface JobOutcome {
  readonly answer: unknown;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/**
 * The job as it goes. `steps` must end when `outcome` is settled; how that ended, the last events tell. `leave` is
 * called when the caller stops reading.
 */
export function eventStream(
  steps: ReadableStream<JobProgress>,
  outcome: Promise<JobOutcome>,
  leave: () => void,
): Response {
  const events = jobEvents(steps, outcome);
  let comments: Timer;
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const comment = () => controller.enqueue(Buffer.from(": still at it\n\n"));
        comments = setInterval(comment, COMMENT_EVERY_MS);
      },
      pull: async (controller) => {
        const { value, done } = await events.next();
        if (!done) controller.enqueue(Buffer.from(line(value)));
        else {
          clearInterval(comments);
          controller.enqueue(Buffer.from("data: [DONE]\n\n"));
          controller.close();
        }
      },
      cancel: () => {
        clearInterval(comments);
        leave();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  return new Response(body, { headers });
}

/** The brackets of what would end the stream are escaped; they can stand in a JSON string only. */
const line = (event: object): string =>
  `data: ${JSON.stringify(event).replaceAll("[DONE]", "\\u005bDONE]")}\n\n`;

async function* jobEvents(steps: ReadableStream<JobProgress>, outcome: Promise<JobOutcome>) {
  for await (const step of steps) yield { type: "progress", ...step };
  try {
    const { answer, metadata } = await outcome;
    if (metadata !== null) yield { type: "metadata", metadata };
    yield* partsOf(JSON.stringify(answer));
  } catch (error) {
    yield { type: "error", ...errorBody(error) };
  }
}

/** Joined in order, the `json` of all parts is the answer that a caller without events gets. */
function* partsOf(json: string) {
  const parts = Math.ceil(json.length / PART_CHARACTERS);
  for (let part = 0; part < parts; part++) {
    const start = part * PART_CHARACTERS;
    yield { type: "result", part, parts, json: json.slice(start, start + PART_CHARACTERS) };
  }
}
