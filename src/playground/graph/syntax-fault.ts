/** Describes where a text stops being JSON, and why. */
import { type ParseError, printParseErrorCode } from "jsonc-parser";

export interface SyntaxFault {
  readonly kind: "syntax";
  /** Names line and column, which count from 1. */
  readonly message: string;
  readonly offset: number;
}

const REASONS: Readonly<Record<string, string>> = {
  PropertyNameExpected: "a name in quotes is missing",
  ValueExpected: "a value is missing",
  ColonExpected: "a colon is missing after the name",
  CommaExpected: "a comma is missing before this",
  CloseBraceExpected: "a } is missing",
  CloseBracketExpected: "a ] is missing",
  EndOfFileExpected: "the graph has ended before this",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfString: "the closing quote is missing",
  InvalidEscapeCharacter: "JSON does not know this escape",
  InvalidCharacter: "a text must not contain this character; write a line break as \\n",
};

export function syntaxFault(text: string, { error, offset }: ParseError): SyntaxFault {
  const before = text.slice(0, offset);
  const lines = before.split("\n");
  const [line, column] = [lines.length, (lines.at(-1)?.length ?? 0) + 1];
  const closes = /^[\]}]/.test(text.slice(offset));
  const reason =
    closes && before.trimEnd().endsWith(",")
      ? "remove the comma before this"
      : (REASONS[printParseErrorCode(error)] ?? "this is not valid JSON");
  return { kind: "syntax", message: `Line ${line}, column ${column}: ${reason}.`, offset };
}
