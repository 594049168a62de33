/** Makes responses as go-livepeer does: a status, at most a line of text, and trickle's headers. */

export const CLOSE = { Connection: "close" };

export const bare = (
  status: number,
  text: string | null = null,
  headers: Record<string, string> = {},
): Response => new Response(text, { status, headers });
