/** Logging: categories under `byoc`, to stderr, as text or JSON lines. Silent until `configureLogging` ran. */
import {
  configure,
  getLogger as getCategory,
  getJsonLinesFormatter,
  getTextFormatter,
  type Logger,
} from "@logtape/logtape";

export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFormat = "text" | "json";

/** The logger of one part of the product, e.g. `getLogger("trickle")`. Fields go in the second argument. */
export const getLogger = (category: string): Logger => getCategory(["byoc", category]);

/** Once a process, from main. */
export async function configureLogging(level: LogLevel, format: LogFormat): Promise<void> {
  const text = getTextFormatter({
    timestamp: "rfc3339",
    category: ".",
    format: ({ timestamp, level: name, category, record }) =>
      `${timestamp} ${name} ${category}: ${record.message.join("")}${fieldsText(record.properties)}`,
  });
  const formatter = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : text;
  await configure({
    reset: true,
    sinks: {
      // Written at once: the last line before an exit is the one that says why.
      stderr: (record) => {
        process.stderr.write(formatter({ ...record, properties: rounded(record.properties) }));
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

/** Two decimals of a millisecond say enough. */
const rounded = (properties: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === "number" ? Math.round(value * 100) / 100 : value,
    ]),
  );

/**
 * Fields as ` name=value …`, on one line whatever they hold: strangers choose ids and URLs, and a line break in one
 * would be a log line of their making.
 */
export const fieldsText = (properties: Readonly<Record<string, unknown>>): string =>
  Object.entries(properties)
    .map(([name, value]) => ` ${name}=${valueText(value)}`)
    .join("");

function valueText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  const text = JSON.stringify(value) ?? String(value);
  // JSON leaves some of what ends or turns a line as it is.
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    [...character].map((one) => `\\u{${one.codePointAt(0)?.toString(16)}}`).join(""),
  );
}
