/**
 * Follows the channel from an orchestrator to a runner, on which it reports reservations and releases at once
 * (live-runner.md 2.3). It only saves time: what is missed here comes with the next heartbeat.
 */
import { Type } from "@sinclair/typebox";
import { reason, WorkerError } from "../../../../errors.ts";
import { getLogger } from "../../../../log.ts";
import { check } from "../../../../schema-check.ts";
import { pause } from "../../../../streams/pause.ts";
import { readMessages } from "../../../../trickle/client/message-reader.ts";
import type { TrickleEndpoint } from "../../../../trickle/client/request.ts";

const log = getLogger("registration");

const MAX_MESSAGE_BYTES = 64 * 1024;
/** The orchestrator sends something every 10 s. */
const SILENCE_MS = 30_000;
const AGAIN_MS = 1000;

const Event = Type.Object({
  event: Type.Union([Type.Literal("reserved"), Type.Literal("released")]),
  session: Type.String({ minLength: 1 }),
});

export interface O2rListener {
  reserved(sessionId: string): void;
  released(sessionId: string): void;
}

export interface O2rOptions {
  readonly signal: AbortSignal;
  /** For logs. */
  readonly orchestrator: string;
  /** After this much silence the channel is read again from its newest message. Replaced in tests. */
  readonly silenceMs?: number;
  /** Pause before that. Replaced in tests. */
  readonly againMs?: number;
}

/** Reads from the first message on, until the signal aborts or the orchestrator closes the channel. Never throws. */
export async function followO2r(
  endpoint: TrickleEndpoint,
  listener: O2rListener,
  { signal, orchestrator, silenceMs = SILENCE_MS, againMs = AGAIN_MS }: O2rOptions,
): Promise<void> {
  let start: number | undefined = 0;
  while (!signal.aborted) {
    const silence = new AbortController();
    const onSilence = () => silence.abort(new DOMException("silent", "TimeoutError"));
    let timer = setTimeout(onSilence, silenceMs);
    const ended = AbortSignal.any([signal, silence.signal]);
    try {
      const options = {
        signal: ended,
        maxBytes: MAX_MESSAGE_BYTES,
        ...(start === undefined ? {} : { start }),
      };
      for await (const message of readMessages(endpoint, options)) {
        clearTimeout(timer);
        timer = setTimeout(onSilence, silenceMs);
        if (message.kind === "text") deliver(message.text, listener);
      }
      return log.debug("the orchestrator closed the o2r channel", { orchestrator });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof WorkerError && error.kind === "channel_refused")
        return log.debug("the o2r channel is gone", { orchestrator });
      const why = silence.signal.aborted ? `no message for ${silenceMs} ms` : reason(error);
      log.debug("reading the o2r channel again", { orchestrator, why });
      start = undefined;
    } finally {
      clearTimeout(timer);
    }
    await pause(againMs, signal);
  }
}

/** Ignores other messages, such as `{"keep":"alive"}`. */
function deliver(text: string, listener: O2rListener): void {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    log.debug("o2r: a message is not valid JSON");
    return;
  }
  if (!check(Event).Check(body)) return;
  const { event, session } = body as { event: "reserved" | "released"; session: string }; // proven
  if (event === "reserved") listener.reserved(session);
  else listener.released(session);
}
