/** Text of strangers for a terminal: names in archives and repositories may hold its control sequences. */

/** Replaces control characters but line ends, and characters that reverse the direction of writing. */
export const printable = (text: string): string =>
  text.replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, "\uFFFD");
