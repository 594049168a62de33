/** Describes where a text stops being JSON, and why. */
import type { ParseError } from "jsonc-parser";
import { describeParseError } from "../../json-fault.ts";

export interface SyntaxFault {
  readonly kind: "syntax";
  /** Names line and column, which count from 1. */
  readonly message: string;
  readonly offset: number;
}

export function syntaxFault(text: string, error: ParseError): SyntaxFault {
  const { line, column, reason } = describeParseError(text, error);
  return {
    kind: "syntax",
    message: `Line ${line}, column ${column}: ${reason}.`,
    offset: error.offset,
  };
}
