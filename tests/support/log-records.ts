/** Records what is logged in this process while a test runs. */
import { configure, type LogRecord, reset } from "@logtape/logtape";

export interface LogRecords extends AsyncDisposable {
  readonly all: readonly LogRecord[];
  /** The messages, without their fields. */
  readonly messages: readonly string[];
}

/** Dispose it to log nothing again. */
export async function recordLogs(lowestLevel: "info" | "warning" | "error"): Promise<LogRecords> {
  const all: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { records: (record) => void all.push(record) },
    loggers: [
      { category: "byoc", sinks: ["records"], lowestLevel },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  return {
    all,
    get messages() {
      return all.map(({ message }) => message.join(""));
    },
    [Symbol.asyncDispose]: () => reset(),
  };
}
