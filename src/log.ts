/** Configures logging: categories under `byoc`, written to stderr as text or JSON lines. Silent until `configureLogging` has run. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import {
  configure,
  getLogger as getCategory,
  getJsonLinesFormatter,
  getTextFormatter,
  type Logger,
  withContext,
} from "@logtape/logtape";
import { LogOutput } from "./log-output.ts";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export const LOG_FORMATS = ["text", "json"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Returns the logger of one part of the product, e.g. `getLogger("trickle")`. Fields go in the second argument. */
export const getLogger = (category: string): Logger => getCategory(["byoc", category]);

/**
 * The name of a stream in logs: the first 8 hex digits of the SHA-256 of its id. The id itself is a credential and is
 * never logged. The same in every process.
 *
 * @example log.info("stream started", { stream: logId(id) });
 */
export const logId = (streamId: string): string =>
  createHash("sha256").update(streamId).digest("hex").slice(0, 8);

/**
 * Runs `work` so that every line logged by it, or by anything it awaits, starts or pipes, carries the stream's `logId`
 * as `stream`. Returns what `work` returns.
 *
 * @example await withStreamLog(id, () => session.run());
 */
export const withStreamLog = <T>(streamId: string, work: () => T): T =>
  withContext({ stream: logId(streamId) }, work);

/** Call once per process, from main. */
export async function configureLogging(level: LogLevel, format: LogFormat): Promise<void> {
  const text = getTextFormatter({
    timestamp: "rfc3339",
    category: ".",
    format: ({ timestamp, level: name, category, record }) =>
      `${timestamp} ${name} ${category}: ${record.message.join("")}${fieldsText(record.properties)}`,
  });
  const formatter = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : text;
  const output = new LogOutput(process.stderr, (lines) =>
    getLogger("log").warn("log lines were left out: stderr was not read for a while", { lines }),
  );
  await configure({
    reset: true,
    contextLocalStorage: new AsyncLocalStorage(),
    sinks: {
      // Written synchronously: the last line before an exit is the one that explains it.
      stderr: (record) => {
        output.write(formatter({ ...record, properties: rounded(record.properties) }));
      },
    },
    loggers: [
      { category: "byoc", lowestLevel: level, sinks: ["stderr"] },
      {
        category: ["logtape", "meta"],
        lowestLevel: "error",
        sinks: ["stderr"],
      },
    ],
  });
}

/** Numbers rounded to two decimals. */
const rounded = (properties: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === "number" ? Math.round(value * 100) / 100 : value,
    ]),
  );

/**
 * Formats fields as ` name=value …`, always on one line: some values come from untrusted callers, and a line break in
 * one would let them forge a log line.
 */
export const fieldsText = (properties: Readonly<Record<string, unknown>>): string =>
  Object.entries(properties)
    .map(([name, value]) => ` ${name}=${valueText(value)}`)
    .join("");

function valueText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  const text = JSON.stringify(value) ?? String(value);
  // JSON.stringify leaves some characters that break or reverse a line unescaped.
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    [...character].map((one) => `\\u{${one.codePointAt(0)?.toString(16)}}`).join(""),
  );
}
