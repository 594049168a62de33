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
    value: (value) => (typeof value === "string" ? value : JSON.stringify(value)),
    format: ({ timestamp, level: name, category, message, record }) =>
      `${timestamp} ${name} ${category}: ${message}${fields(record.properties)}`,
  });
  const formatter = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : text;
  await configure({
    reset: true,
    sinks: {
      // Written at once: the last line before an exit is the one that says why.
      stderr: (record) => {
        process.stderr.write(formatter(record));
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

const fields = (properties: Record<string, unknown>): string =>
  Object.entries(properties)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
