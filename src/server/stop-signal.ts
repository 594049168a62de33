/** Turns the signals that end a server into an AbortSignal. */

/** Aborts at the first SIGTERM or SIGINT; the second exits at once, and engines end with their server. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const asked = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    stop.abort();
  };
  process.on("SIGTERM", asked);
  process.on("SIGINT", asked);
  return stop.signal;
}
