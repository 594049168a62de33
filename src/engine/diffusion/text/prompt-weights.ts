/** Splits a prompt into texts with weights by the parentheses of ComfyUI's prompt syntax. */
import { parseWeight } from "./weight-number.ts";

/** A piece of a prompt whose tokens share one weight. */
export interface PromptSegment {
  /** Without the parentheses that gave it its weight. */
  readonly text: string;
  /** 1 for plain text; may be 0, negative or not finite. */
  readonly weight: number;
}

/** Each pair of parentheses without a number multiplies the weight by this. */
const EMPHASIS = 1.1;

/**
 * The segments of a prompt, equal to those of ComfyUI 0.3.64. `(x)` multiplies the weight by 1.1; `(x:1.3)` sets it,
 * whatever the weight around it; `\(` and `\)` are literal; a parenthesis without a partner is text. An unclosed
 * parenthesis and the rest of the text around it form one segment, or a group if that rest ends in `)`. Takes time in
 * proportion to the length of the prompt, however deeply it nests.
 *
 * ```ts
 * parsePromptWeights("a (red:1.4) fox"); // "a " 1, "red" 1.4, " fox" 1
 * ```
 */
export function parsePromptWeights(prompt: string): PromptSegment[] {
  const { closing, isClose, lastColon } = outline(prompt);
  const segments: PromptSegment[] = [];
  /** Ranges to be parsed, the next one last. */
  const pending: Range[] = [{ from: 0, to: prompt.length, weight: 1 }];
  for (let range = pending.pop(); range !== undefined; range = pending.pop()) {
    const { from, to, weight } = range;
    let open = from;
    while (open < to && closing[open] === NOT_AN_OPENING) open++;
    if (open > from) segments.push({ text: unescaped(prompt.slice(from, open)), weight });
    if (open === to) continue;
    const close = closing[open] ?? UNCLOSED;
    const isClosed = close !== UNCLOSED && close < to;
    const end = isClosed ? close + 1 : to;
    if (isClosed) pending.push({ from: end, to, weight });
    if (end - open < 2 || isClose[end - 1] === 0) {
      segments.push({ text: unescaped(prompt.slice(open, end)), weight });
      continue;
    }
    const colon = lastColon[end - 2] ?? -1;
    const number = colon > open + 1 ? parseWeight(prompt.slice(colon + 1, end - 1)) : null;
    pending.push(
      number === null
        ? { from: open + 1, to: end - 1, weight: weight * EMPHASIS }
        : { from: open + 1, to: colon, weight: number },
    );
  }
  return segments;
}

/** What is wrong with a weight that embeddings, which are single precision, cannot be multiplied by; null for others. */
export const weightProblem = (weight: number): string | null =>
  Number.isFinite(Math.fround(weight))
    ? null
    : `the weight ${weight}: give a finite number, as in (fox:1.2), and nest fewer parentheses`;

interface Range {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

const NOT_AN_OPENING = -1;
const UNCLOSED = -2;

interface Outline {
  /** For an opening parenthesis where its partner is, or `UNCLOSED`. */
  readonly closing: Int32Array;
  /** 1 for a closing parenthesis. */
  readonly isClose: Uint8Array;
  /** Where the last colon up to here is, or -1. */
  readonly lastColon: Int32Array;
}

/** Finds parentheses and colons in one pass. Escaped parentheses are text. */
function outline(prompt: string): Outline {
  const closing = new Int32Array(prompt.length).fill(NOT_AN_OPENING);
  const isClose = new Uint8Array(prompt.length);
  const lastColon = new Int32Array(prompt.length);
  const open: number[] = [];
  /** Closing parentheses before any opening one: each makes one opening parenthesis after it plain text. */
  let surplus = 0;
  let colon = -1;
  for (let at = 0; at < prompt.length; at++) {
    const char = prompt[at];
    const isEscaped = prompt[at - 1] === "\\";
    if (char === ":") colon = at;
    lastColon[at] = colon;
    if (isEscaped) continue;
    if (char === ")") {
      isClose[at] = 1;
      const partner = open.pop();
      if (partner === undefined) surplus++;
      else closing[partner] = at;
    } else if (char === "(") {
      if (surplus > 0) {
        surplus--;
      } else {
        open.push(at);
        closing[at] = UNCLOSED;
      }
    }
  }
  return { closing, isClose, lastColon };
}

const unescaped = (text: string): string => text.replace(/\\([()])/g, "$1");
