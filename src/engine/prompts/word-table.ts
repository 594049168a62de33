/** The form of a table of words: what words of one meaning do to the controls of a picture. */
import type { ControlName } from "./controls.ts";

/** A number, or a colour as `#rrggbb`. */
export type Setting = number | `#${string}`;

export type Settings = Readonly<Partial<Record<ControlName, Setting>>>;

/** What a word sets, and what it sets unless another word of the text sets it. */
export interface Meaning {
  readonly sets: Settings;
  readonly suggests: Settings;
}

/** Words of one meaning, separated by spaces. */
export type Row = readonly [words: string, sets: Settings, suggests?: Settings];
