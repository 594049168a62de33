/** What all streams of server-sent events have in common. */

/** `X-Accel-Buffering` keeps nginx from collecting events. */
export const SSE_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
};

/** A comment after this time without an event shows relays and proxies that the connection is alive. */
export const COMMENT_EVERY_MS = 10_000;
