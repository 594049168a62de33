/** Declares and builds the answer to `/status`: the model, its parameters, and what the runner has room for (live-runner.md 4.3). */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { ModelInfo, ModelParam } from "../../../../engine/protocol/models.ts";
import { literals, nullable } from "../../../../schema.ts";
import type { RunnerGpu } from "../registration/heartbeat.ts";
import { LOAD_POLICY } from "../registration/offer.ts";
import { Compute } from "./runner-errors.ts";
import { SessionUpdateFields } from "./session-fields.ts";
import { type Startup, seconds } from "./startup.ts";

const ParamDescription = Type.Object({
  type: literals(["str", "int", "float", "bool"]),
  description: Type.String(),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
});
type ParamDescription = Static<typeof ParamDescription>;

/** As heartbeats show it. */
const Gpu = Type.Object({
  id: Type.String(),
  name: Type.String(),
  vram_mb: Type.Integer({ minimum: 0 }),
});

export const Pipeline = Type.Object({
  name: Type.String(),
  app: Type.String({ description: "the app id that clients look for" }),
  model: Type.String({ description: "of the caller's session, or else the default" }),
  runtime: Type.String({ description: "what runs the model" }),
});

export const StatusAnswer = Type.Object(
  {
    success: Type.Literal(true),
    compute: Compute,
    state: literals(["cold", "warming", "ready", "failed"], { description: "of the model" }),
    state_age_s: nullable(Type.Number({ description: "since the model came into its state" })),
    estimated_startup_s: nullable(
      Type.Number({ description: "until the model draws; null where nothing is known" }),
    ),
    last_load_s: nullable(Type.Number({ description: "how long its last load took" })),
    model_loaded: Type.Boolean(),
    policy: Type.Literal(LOAD_POLICY, {
      description: "a model is loaded for the first session that wants it, and stays",
    }),
    capacity: Type.Integer({ description: "sessions that are held or have a place" }),
    capacity_used: Type.Integer({ description: "sessions that are held" }),
    session: nullable(Type.String({ description: "the caller's own, if it is held here" })),
    error: nullable(Type.String()),
    pipeline: Pipeline,
    params: Type.Record(Type.String(), ParamDescription, { description: "what an update takes" }),
    presets: Type.Array(Type.String(), { description: "of the model" }),
    fallbacks: Type.Array(Type.String(), { description: "what may be shown in place of a model" }),
    gpu: nullable(Gpu),
  },
  { description: "the state of the runner and of its model" },
);
export type StatusAnswer = Static<typeof StatusAnswer>;

/** What the answer is made of. */
export interface StatusFacts {
  /** Null while no engine has listed its models. */
  readonly model: ModelInfo | null;
  /** The name of that model. */
  readonly modelName: string;
  readonly startup: Startup;
  readonly app: string;
  readonly capacity: number;
  readonly capacityUsed: number;
  /** Id and trouble of the caller's own session; null where none is held here. */
  readonly session: { readonly id: string; readonly error: string | null } | null;
  readonly fallbacks: readonly string[];
  readonly gpu: RunnerGpu | null;
}

export const PIPELINE_NAME = "comfystream";

export function statusAnswer(facts: StatusFacts): StatusAnswer {
  const { model, startup, session } = facts;
  const { compute, estimatedMs, lastLoadMs, stateAgeMs } = startup;
  return {
    success: true,
    compute,
    state: model?.state ?? "cold",
    state_age_s: seconds(stateAgeMs),
    estimated_startup_s: seconds(estimatedMs),
    last_load_s: seconds(lastLoadMs),
    model_loaded: model?.state === "ready",
    policy: LOAD_POLICY,
    capacity: facts.capacity,
    capacity_used: facts.capacityUsed,
    session: session?.id ?? null,
    error: session?.error ?? model?.error ?? null,
    pipeline: {
      name: PIPELINE_NAME,
      app: facts.app,
      model: facts.modelName,
      runtime: model?.execution_provider ?? "onnxruntime",
    },
    params: { ...(model && commonParams(model)), ...(model && ownParams(model)) },
    presets: Object.keys(model?.presets ?? {}),
    fallbacks: [...facts.fallbacks],
    gpu: facts.gpu,
  };
}

/** Fields that are not shown: aliases, and what only some models have. */
const NOT_SHOWN = ["prompts", "max_framerate", "mode", "radius"];
const PROMPT_FIELDS = ["prompt", "negative_prompt"];

function commonParams({ takes_prompts }: ModelInfo): Record<string, ParamDescription> {
  const fields = Object.entries<TSchema>(SessionUpdateFields.properties).filter(
    ([name]) => !NOT_SHOWN.includes(name) && (takes_prompts || !PROMPT_FIELDS.includes(name)),
  );
  return Object.fromEntries(fields.map(([name, schema]) => [name, describedField(schema)]));
}

const TYPES = { integer: "int", number: "float", boolean: "bool" } as const;

/** Describes a field; the first member of its union is its schema without null. */
function describedField(schema: TSchema): ParamDescription {
  const { type, minimum, maximum }: TSchema = schema["anyOf"][0];
  return {
    type: TYPES[type as keyof typeof TYPES] ?? "str",
    description: schema.description ?? "",
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
  };
}

const ownParams = ({ params }: ModelInfo): Record<string, ParamDescription> =>
  Object.fromEntries(params.map((param) => [param.name, describedParam(param)]));

function describedParam(param: ModelParam): ParamDescription {
  const { description } = param;
  switch (param.type) {
    case "number": {
      const { min: minimum, max: maximum, integer } = param;
      return { type: integer ? "int" : "float", description, minimum, maximum };
    }
    case "switch":
      return { type: "bool", description };
    case "trigger":
      return { type: "int", description };
    case "vector":
    case "picture":
      return { type: "str", description };
    default:
      return param satisfies never;
  }
}
