/** Counts how the requests of this process's trickle clients ended. */

/** Reading segments, or writing them: what creates, ends and asks about an output belongs to writing. */
export type Direction = "subscribe" | "publish";

export interface AnswerCount {
  readonly direction: Direction;
  /**
   * The class of the status, `2xx` to `5xx`; `470` by itself, which says that a segment is not there and is no failure;
   * `error` for a request without an answer. Requests that this side has cut off are not counted.
   */
  readonly status: string;
  readonly count: number;
}

export class AnswerCounts {
  readonly #counts = new Map<string, { direction: Direction; status: string; count: number }>();

  /** `status`: of the answer; null for none. */
  record(direction: Direction, status: number | null): void {
    const name = nameOf(status);
    const key = `${direction} ${name}`;
    const counted = this.#counts.get(key);
    if (counted === undefined) this.#counts.set(key, { direction, status: name, count: 1 });
    else counted.count++;
  }

  /** What has been recorded since the last call. */
  take(): readonly AnswerCount[] {
    const all = [...this.#counts.values()];
    this.#counts.clear();
    return all;
  }
}

/** Of all trickle clients in this process. */
export const trickleAnswers = new AnswerCounts();

function nameOf(status: number | null): string {
  if (status === null) return "error";
  return status === 470 ? "470" : `${Math.floor(status / 100)}xx`;
}
