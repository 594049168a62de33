/** Reads what a stream's model says of its frames: server-sent events, the newest at a bounded rate. */
import { authorization } from "./api.ts";
import { delay } from "./delay.ts";

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** One value of a data output: labels with scores, a list of numbers, or anything else that JSON can hold. */
export type DataValue =
  | readonly LabelScore[]
  | readonly number[]
  | Readonly<Record<string, unknown>>;

export interface DataEvent {
  /** Media time of the frame. */
  readonly seconds: number;
  readonly model: string;
  /** By the output's name. */
  readonly values: Readonly<Record<string, DataValue>>;
  /** Events that this reader missed since the last one. */
  readonly dropped: number;
}

interface Following {
  /** `/stream/{id}/data` of the stream. */
  readonly url: string;
  /** Called for every request. */
  readonly token: () => string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DataEvent) => void;
  /** Time before a broken connection is opened again. Default: a second. */
  readonly pauseMs?: number;
}

/** Calls `onEvent` with every event, connecting again after each break. Resolves when the signal aborts or the stream is gone. */
export async function followData(following: Following): Promise<void> {
  const { url, token, signal, onEvent, pauseMs = 1000 } = following;
  while (!signal.aborted) {
    try {
      const { status, ok, body } = await fetch(url, { headers: authorization(token()), signal });
      if (status === 404) return;
      if (ok && body !== null) for await (const event of dataEvents(body)) onEvent(event);
      await delay(pauseMs, signal);
    } catch {
      // The connection broke, or the signal aborted, which ends the pause at once.
      await delay(pauseMs, signal).catch(() => {});
    }
  }
}

/** Passes on the newest of the values that come, at most one in `everyMs`. */
export function newestOf<T>(everyMs: number, use: (value: T) => void): (value: T) => void {
  let newest: { readonly value: T } | null = null;
  return (value) => {
    if (newest === null)
      setTimeout(() => {
        if (newest !== null) use(newest.value);
        newest = null;
      }, everyMs);
    newest = { value };
  };
}

/** The events in a body of server-sent events. Comments and events that are not data are left out. */
export async function* dataEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<DataEvent> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = line.startsWith("data: ") ? parsed(line.slice("data: ".length)) : null;
      if (event !== null) yield event;
    }
  }
}

function parsed(text: string): DataEvent | null {
  try {
    const event: unknown = JSON.parse(text);
    return isDataEvent(event) ? event : null;
  } catch {
    return null; // not one of ours
  }
}

const isDataEvent = (event: unknown): event is DataEvent =>
  typeof event === "object" &&
  event !== null &&
  "values" in event &&
  typeof event.values === "object" &&
  event.values !== null;

export const isScores = (value: DataValue): value is readonly LabelScore[] =>
  Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null);

export const isNumbers = (value: DataValue): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");
