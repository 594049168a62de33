/** Knows the fallbacks that streams may name: the built-in ones and the pictures in the workspace. */
import { FALLBACKS, fallbackPictures, isBuiltInFallback } from "../../engine/protocol/fallbacks.ts";
import { listed, shown } from "../../shown-value.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { fieldsError } from "../field-errors.ts";
import { problemsFound } from "./check-program.ts";
import type { Stream } from "./stream.ts";

export interface FallbacksOptions {
  readonly workspace: string;
  readonly scheduler: Pick<EngineScheduler, "ask">;
}

export class Fallbacks {
  readonly #options: FallbacksOptions;

  constructor(options: FallbacksOptions) {
    this.#options = options;
  }

  /** The names that exist now, the built-in ones first. Reads the folder each time. */
  async names(): Promise<readonly string[]> {
    const pictures = await fallbackPictures(this.#options.workspace);
    return [...FALLBACKS, ...pictures.keys()];
  }

  /**
   * Throws `invalid_request`, with `fallback` as its only field, for a name that does not exist and for a picture that
   * cannot be decoded. Where no engine answers just now, the stream's own judges the picture.
   *
   * @param stream whose engine is asked; null: any, for one that does not run yet
   */
  async check(name: string | undefined, stream: Stream | null): Promise<void> {
    if (name === undefined || isBuiltInFallback(name)) return;
    const names = await this.names();
    if (!names.includes(name)) {
      const problem = `is unknown: ${shown(name)}; available: ${listed(names)} (pictures lie in the workspace's folder fallbacks)`;
      throw fieldsError([{ field: "fallback", problem }]);
    }
    await problemsFound({ kind: "fallback", name }, stream, this.#options.scheduler);
  }
}
