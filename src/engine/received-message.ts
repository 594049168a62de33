/** Checks what the server sends, and answers what does not match its schema, so that the server does not wait for it. */
import { type PlainError, reason } from "../errors.ts";
import { configureLogging, getLogger } from "../log.ts";
import { messageCheck } from "./protocol/check-message.ts";
import { type FromEngine, ToEngine } from "./protocol/messages.ts";

const log = getLogger("engine");

const checked = messageCheck(ToEngine);

/**
 * Null for a message that does not match its schema. Whoever waits for an answer gets the error; without its options an engine
 * ends, since it will never be ready.
 */
export function receivedMessage(
  raw: unknown,
  send: (message: FromEngine) => void,
): ToEngine | null {
  try {
    return checked(raw);
  } catch (fault) {
    const why = reason(fault);
    log.error("message from the server ignored", { error: why });
    const { type, number, id, revision } = Object(raw);
    const message = `the engine does not understand a message of the server: ${why}`;
    const error: PlainError = { kind: "internal", message };
    if (type === "start") send({ type: "report", number, report: { type: "ended", id, error } });
    if (type === "ask") send({ type: "answer", number, value: null, error });
    if (type === "update")
      send({ type: "report", number, report: { type: "refused", id: "", revision } });
    if (type === "init") void endWithout(why);
    return null;
  }
}

/** How logs are to be written is in the options, too. */
async function endWithout(why: string): Promise<void> {
  await configureLogging("error", "text");
  log.error("engine cannot start: it does not understand its options", { error: why });
  process.exit(1);
}
