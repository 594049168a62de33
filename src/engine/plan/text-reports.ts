/** Drops texts of graphs that were reported a moment ago: nodes give them with every frame, and most stay the same. */

/** A text that stays the same is reported this often, for readers who come later. */
const REPEAT_SECONDS = 1;

type Texts = Readonly<Record<string, string>>;

export class TextReports {
  /** By node id, with the media time of its last report. */
  readonly #reported = new Map<string, { readonly text: string; readonly seconds: number }>();

  /** Those of the texts of a frame, by node id, that are new or due again. */
  due(texts: Texts, seconds: number): Texts {
    const due = Object.entries(texts).filter(([node, text]) => {
      const last = this.#reported.get(node);
      const isRecent = last !== undefined && Math.abs(seconds - last.seconds) < REPEAT_SECONDS;
      return !isRecent || last.text !== text;
    });
    for (const [node, text] of due) this.#reported.set(node, { text, seconds });
    for (const node of this.#reported.keys()) if (!(node in texts)) this.#reported.delete(node);
    return Object.fromEntries(due);
  }
}
