/** New parameters on their way to an engine: pictures that have not changed are not sent again, for they may be megabytes. */
import { Type } from "@sinclair/typebox";
import type { Immutable } from "../../schema.ts";
import { pictureUriFormat } from "./picture-uri.ts";
import { StreamParams } from "./work.ts";

export const ParamsUpdate = Type.Object({
  /** Whole but for the pictures in `kept`. */
  params: StreamParams,
  /** Names of the model's parameters whose pictures are those of the message before. */
  kept: Type.Array(Type.String()),
});
export type ParamsUpdate = Immutable<typeof ParamsUpdate>;

/** What to send to an engine that has `before`. */
export function paramsUpdate(params: StreamParams, before: StreamParams): ParamsUpdate {
  const isKept = ([name, value]: readonly [string, unknown]) =>
    before.model_params[name] === value && pictureUriFormat(value) !== null;
  const { true: kept = [], false: sent = [] } = Object.groupBy(
    Object.entries(params.model_params),
    (entry) => `${isKept(entry)}` as const,
  );
  return {
    params: { ...params, model_params: Object.fromEntries(sent) },
    kept: kept.map(([name]) => name),
  };
}

/** The whole parameters in an engine that has `before`. */
export function updatedBy({ params, kept }: ParamsUpdate, before: StreamParams): StreamParams {
  if (kept.length === 0) return params;
  const pictures = Object.entries(before.model_params).filter(([name]) => kept.includes(name));
  return {
    ...params,
    model_params: { ...params.model_params, ...Object.fromEntries(pictures) },
  };
}
