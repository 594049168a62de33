/** Finds the known name that a misspelt one probably means. */

/** Longer names, and longer lists, are not compared: graphs are judged while frames wait. */
const MAX_LENGTH = 40;
/** A ComfyUI with many packs has a few thousand classes. */
const MAX_CANDIDATES = 4000;
const MAX_SUGGESTIONS = 10;

/** As `nearestName`; null after some: a graph may hold a thousand misspelt names, and few of them are read. */
export type Suggest = typeof nearestName;

/** For one graph. */
export function suggester(): Suggest {
  let made = 0;
  return (name, known) => (made++ < MAX_SUGGESTIONS ? nearestName(name, known) : null);
}

/** The known name with the fewest edits to `name`, case aside; null if more than a third of it would change. */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (name.length > MAX_LENGTH || known.length > MAX_CANDIDATES) return null;
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let fewest = Math.floor(wanted.length / 3) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) >= fewest) continue;
    const edits = editsBetween(wanted, candidate.toLowerCase(), fewest);
    if (edits >= fewest) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}

/** Levenshtein distance: letters inserted, deleted or replaced. Not exact where it is `enough` or more. */
function editsBetween(a: string, b: string, enough: number): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    if (Math.min(...row) >= enough) return enough;
    above = row;
  }
  return above[b.length] ?? 0;
}
