/** Writes a model's data into its pictures: the most likely labels, or the first numbers, in the overlay's box. */
import type { Frame } from "../codec/libav.ts";
import { type Label, Overlay } from "../codec/overlay.ts";
import { SHOW_DATA } from "../models/roles/data-output.ts";
import type { DataReport, DataValue } from "../protocol/messages.ts";
import type { StreamParams } from "../protocol/work.ts";

type Values = DataReport["values"];

/** Labels or numbers in one line at most. */
const LONGEST = 4;

export class DataLabel implements Disposable {
  readonly #overlay = new Overlay();
  #label: Label | null = null;

  /** What the next frames show. */
  set(values: Values): void {
    this.#label = labelOf(values);
  }

  /** The frame with the data in it, if the parameters ask for it; the frame given is consumed. */
  async onFrame(frame: Frame, { model_params }: StreamParams): Promise<Frame> {
    const isWanted = model_params[SHOW_DATA.name] === true;
    return isWanted && this.#label ? await this.#overlay.onFrame(frame, this.#label) : frame;
  }

  [Symbol.dispose](): void {
    this.#overlay[Symbol.dispose]();
  }
}

/** The values of the first output, in ever fewer words. */
function labelOf(values: Values): Label | null {
  const [first] = Object.values(values);
  const parts = first === undefined ? [] : partsOf(first);
  if (parts.length === 0) return null;
  const wordings = parts.map((_, at) => parts.slice(0, parts.length - at).join("  "));
  return { wordings, bar: null };
}

function partsOf(value: DataValue): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, LONGEST)
    .map((each) =>
      typeof each === "number"
        ? String(Number(each.toPrecision(3)))
        : `${each.label} ${Math.round(each.score * 100)}%`,
    );
}
