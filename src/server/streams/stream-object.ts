/** Builds the stream object of contract.md. */
import type { ParamValues } from "../../engine/protocol/models.ts";
import { shownValue } from "../../engine/protocol/param-value.ts";
import type { Prompt, StreamParams } from "../../engine/protocol/work.ts";
import { cut } from "../../shown-value.ts";
import { parseJson } from "../exact-json.ts";
import type { Stream } from "./stream.ts";

/** A ComfyUI graph, as it was sent. */
type Graph = Record<string, unknown>;

const graphsOf = ({ graphs = [] }: StreamParams): Graph[] =>
  graphs.map((graph) => parseJson(graph) as Graph); // `withGraphs` has read it

/** What a stream draws by, as it was sent. */
export const drawnBy = (params: StreamParams): (Prompt | Graph)[] => [
  ...params.prompts,
  ...graphsOf(params),
];

export function streamObject(stream: Stream) {
  const { params, capability, size, error, pendingSince } = stream;
  const origin: { prompts?: (Prompt | Graph)[]; capability?: string } =
    capability === null ? { prompts: drawnBy(params) } : { capability };
  return {
    manifest_id: stream.id,
    ...stream.channels,
    created_at: stream.createdAt.toISOString(),
    status: stream.status,
    metadata: { width: size?.width ?? null, height: size?.height ?? null, ...origin },
    params: startMembers(params),
    ...(pendingSince === null ? {} : { pending: { since: pendingSince.toISOString() } }),
    ...(error === null ? {} : { error: error.message }),
    stats: stream.stats,
    usage: stream.usage,
  };
}

/**
 * The parameters as members of a start body: without prompts, which the stream object shows as metadata, and without the
 * bytes of pictures.
 */
export const startMembers = ({
  size,
  model_params,
  prompts: _texts,
  graphs: _graphs,
  ...common
}: StreamParams) => ({
  ...shownValues(model_params),
  ...common,
  ...size,
});

/** The values of a model's parameters without the bytes of pictures. */
const shownValues = (values: ParamValues): ParamValues =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shownValue(value)]));

/** What an ended stream keeps of its parameters: no graphs, pictures and long prompts. */
export const keptParams = ({ graphs: _, ...params }: StreamParams): StreamParams => ({
  ...params,
  prompts: shortened(params.prompts),
  model_params: shownValues(params.model_params),
});

/** The first prompts, cut short; cloned, since a slice of a string keeps the whole string alive. */
export const shortened = (prompts: readonly Prompt[]): Prompt[] =>
  structuredClone(
    prompts.slice(0, 8).map(({ prompt, weight }) => ({
      prompt: cut(prompt, 200),
      ...(weight === undefined ? {} : { weight }),
    })),
  );
