/** Finds where and why a text is not JSON, which `JSON.parse` does not say, and texts that are too deep or too many to work on. */
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";

export interface JsonFault {
  /** Line and column count from 1. */
  readonly line: number;
  readonly column: number;
  /** Part of a sentence: `a comma is missing before this`. */
  readonly reason: string;
}

/** What requests and graphs hold nests less. Code that walks values or writes them as JSON recurses. */
export const MAX_JSON_DEPTH = 100;
/**
 * Values of one text, names aside. The largest graphs have some thousands. Each costs microseconds to parse, to check and
 * to walk, in which the process does nothing else: a body of 12 MiB could hold millions. Pictures are single values.
 */
export const MAX_JSON_VALUES = 20_000;

const REASONS: Readonly<Record<string, string>> = {
  PropertyNameExpected: "a name in quotes is missing",
  ValueExpected: "a value is missing",
  ColonExpected: "a colon is missing after the name",
  CommaExpected: "a comma is missing before this",
  CloseBraceExpected: "a } is missing",
  CloseBracketExpected: "a ] is missing",
  EndOfFileExpected: "the text has ended before this",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfString: "the closing quote is missing",
  InvalidEscapeCharacter: "JSON does not know this escape",
  InvalidCharacter: "a text must not contain this character; write a line break as \\n",
};

/** Words and signs that other languages write. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^-?(?:NaN|Infinity)\b/, "JSON has no NaN and no Infinity: give a number"],
  [/^(?:True|False|None)\b/, "JSON writes true, false and null in small letters"],
  [/^'/, "JSON has double quotes only"],
];

/** The first fault of a text that `JSON.parse` refuses; null if there is none, and for texts beyond 1 MiB. */
export function jsonFault(text: string): JsonFault | null {
  const excess = excessOf(text);
  if (excess !== null) return { line: 1, column: 1, reason: excess };
  if (text.length > MAX_SEARCHED) return null;
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true });
  const [first] = errors;
  return first === undefined ? null : describeParseError(text, first);
}

/** What a parser of `jsonc-parser` has found. */
export function describeParseError(text: string, { error, offset }: ParseError): JsonFault {
  const before = text.slice(0, offset);
  const rest = text.slice(offset, offset + 16);
  const lines = before.split("\n");
  const isAfterComma = /^[\]}]/.test(rest) && before.trimEnd().endsWith(",");
  const foreign = FOREIGN.find(([pattern]) => pattern.test(rest))?.[1];
  const reason = isAfterComma ? "remove the comma before this" : foreign;
  return {
    line: lines.length,
    column: (lines.at(-1)?.length ?? 0) + 1,
    reason: reason ?? REASONS[printParseErrorCode(error)] ?? "this is not valid JSON",
  };
}

/** `line 3, column 14: a comma is missing before this`. */
export const placed = ({ line, column, reason }: JsonFault): string =>
  reason === TOO_DEEP || reason === TOO_MANY ? reason : `line ${line}, column ${column}: ${reason}`;

/**
 * As `JSON.parse`. Throws `SyntaxError` that says where and why, also for text that nests deeper than `MAX_JSON_DEPTH` or
 * holds more than `MAX_JSON_VALUES`.
 */
export function parseBounded(text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  const excess = excessOf(text);
  if (excess !== null) throw new SyntaxError(excess);
  try {
    return JSON.parse(text, reviver);
  } catch (error) {
    const fault = jsonFault(text);
    throw fault === null ? error : new SyntaxError(placed(fault), { cause: error });
  }
}

const TOO_DEEP = `it nests deeper than ${MAX_JSON_DEPTH} levels`;
const TOO_MANY = `it holds more than ${MAX_JSON_VALUES} values`;
/** Where a longer text is at fault is not looked for. */
const MAX_SEARCHED = 1024 * 1024;

/** What a text has too much of to be parsed; null for others. One pass, which skips texts and ends where the limit is. */
function excessOf(text: string): string | null {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at);
        break;
      case COMMA:
        values++;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        values++;
        depth++;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
    }
    if (depth > MAX_JSON_DEPTH) return TOO_DEEP;
    if (values > MAX_JSON_VALUES) return TOO_MANY;
  }
  return null;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The place of the closing quote; the end for a text without one. Pictures are texts of millions of characters. */
function endOfText(json: string, begin: number): number {
  let at = json.indexOf('"', begin + 1);
  while (at >= 0 && isEscaped(json, at)) at = json.indexOf('"', at + 1);
  return at < 0 ? json.length : at;
}

/** Whether an odd number of backslashes comes before. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
