/** What routes of streams answer. */
import { Type } from "@sinclair/typebox";
import { OutputSide, Prompt, StreamParams } from "../../../engine/protocol/work.ts";
import { FieldProblem } from "../../../field-problem.ts";
import { literals, nullable } from "../../../schema.ts";
import { StreamFigures } from "../../streams/counters.ts";
import { Usage } from "../../streams/usage.ts";
import { success } from "./success.ts";

export const StreamObject = Type.Object({
  manifest_id: Type.String(),
  stream_url: nullable(Type.String({ description: "null for an orchestrator's stream" })),
  input_url: nullable(Type.String({ description: "null without input and for an orchestrator's" })),
  created_at: Type.String(),
  status: literals(["starting", "active", "stopping", "stopped", "error"]),
  metadata: Type.Object({
    width: nullable(Type.Integer()),
    height: nullable(Type.Integer()),
    prompts: Type.Optional(
      Type.Array(Type.Union([Prompt, Type.Record(Type.String(), Type.Unknown())])),
    ),
    capability: Type.Optional(Type.String()),
  }),
  params: Type.Object(
    {
      ...Type.Omit(StreamParams, ["prompts", "graphs", "size", "model_params"]).properties,
      width: Type.Optional(OutputSide),
      height: Type.Optional(OutputSide),
    },
    { additionalProperties: true, description: "the parameters as members of a start body" },
  ),
  pending: Type.Optional(
    Type.Object(
      { since: Type.String() },
      {
        description:
          "a change that no frame has been made with yet, such as while a model loads or a graph is compiled",
      },
    ),
  ),
  error: Type.Optional(Type.String()),
  stats: StreamFigures,
  usage: Usage,
});

const Ignored = Type.Optional(
  Type.Array(Type.String(), { description: "unknown members, which were left out" }),
);

const Warnings = Type.Optional(
  Type.Array(FieldProblem, {
    description: "what is wrong with parts of ComfyUI graphs, which do not run",
  }),
);

export const StreamAnswer = Type.Object(
  { ...success, stream: StreamObject },
  { description: "the stream" },
);
export const ChangedAnswer = Type.Object(
  {
    ...success,
    status: Type.Literal("success"),
    manifest_id: Type.String(),
    message: Type.String(),
    stream: StreamObject,
    ignored: Ignored,
    warnings: Warnings,
  },
  { description: "the stream with its new parameters" },
);
export const StartAnswer = Type.Object(
  {
    ...success,
    manifest_id: Type.String(),
    stream: StreamObject,
    ignored: Ignored,
    warnings: Warnings,
    status: Type.Optional(Type.Literal("success")),
    message: Type.Optional(Type.String()),
    request_id: Type.Optional(Type.String()),
    current_state: Type.Optional(Type.String()),
  },
  { description: "the stream was accepted; in seed mode its channel is open" },
);
export const StopAnswer = Type.Object(
  {
    ...success,
    status: Type.Optional(Type.Literal("success")),
    manifest_id: Type.Optional(Type.String()),
    message: Type.String(),
    usage: Type.Optional(Usage),
  },
  { description: "the stream has ended or will within seconds" },
);
export const StreamsAnswer = Type.Object(
  {
    ...success,
    streams: Type.Array(StreamObject),
    count: Type.Integer(),
  },
  { description: "the streams" },
);
