/** Turns messages of the server into sentences. */

/** A capital letter first, a full stop last. */
export function sentence(text: string): string {
  const trimmed = closed(text.trim());
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}

/** A full stop last. */
export const closed = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
