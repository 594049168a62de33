/**
 * Sends a batch job's progress and answer as server-sent events in the form that go-livepeer relays (protocol.md 1.3.1):
 * one JSON object per `data:` line, every line below 64 KiB, and `[DONE]` in the last line only.
 */
import { errorBody } from "../http-error.ts";
import { COMMENT_EVERY_MS, SSE_HEADERS } from "../server-sent-events.ts";

/**
 * Characters of the answer in one event. Each takes at most 3 bytes: of what JSON escapes, a JSON text holds only quotes
 * and backslashes. The halves of a split surrogate pair take 6, and there are at most two.
 */
const PART_CHARACTERS = 20_000;

/** One step of a job that its caller follows. */
export interface JobProgress {
  readonly step: string;
  /** Milliseconds since the request arrived. */
  readonly elapsed_ms: number;
}

/** How a job ended; an answer in one piece has `metadata` as `X-Metadata`. */
export interface JobOutcome {
  readonly answer: unknown;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/**
 * Responds with the events of a job while it runs. `steps` must end once `outcome` has settled; the last events tell how.
 * `leave` is called when the caller stops reading.
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
        const comment = () => controller.enqueue(Buffer.from(": still running\n\n"));
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
  return new Response(body, { headers: SSE_HEADERS });
}

/** Escapes the bracket of a `[DONE]` in the event, which would end the stream. It can only be in a JSON string. */
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

/** Splits the answer: the `json` of all parts, joined in order, is what a caller without events gets. */
function* partsOf(json: string) {
  const parts = Math.ceil(json.length / PART_CHARACTERS);
  for (let part = 0; part < parts; part++) {
    const start = part * PART_CHARACTERS;
    yield { type: "result", part, parts, json: json.slice(start, start + PART_CHARACTERS) };
  }
}
