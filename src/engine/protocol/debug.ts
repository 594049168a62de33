/** Declares what an engine tells of one stream for `GET /stream/{id}/debug`, as it stands when it is asked. */
import { Type } from "@sinclair/typebox";
import { type Immutable, nullable } from "../../schema.ts";

const Milliseconds = nullable(Type.Number());

/** The work of one stage. */
const StageState = Type.Object({
  frames: Type.Integer({ description: "frames or packets that it has worked on" }),
  last_ms: nullable(Type.Number(), { description: "how long the last one took" }),
  idle_ms: nullable(Type.Number(), { description: "time since it was done" }),
});

export const PipelineDebug = Type.Object({
  stages: Type.Record(Type.String(), StageState, {
    description: "decode, inference, encode and publish",
  }),
  waits_ms: Type.Record(Type.String(), Milliseconds, {
    description: "what the last frame waited: for inference to take it, and for the device",
  }),
  queues: Type.Object({
    frames: Type.Integer({ description: "frames in front of inference, where the newest wins" }),
    native_frames: Type.Integer({ description: "frames of the stream that are not freed" }),
    output_bytes: Type.Integer({ description: "bytes that wait for the output channel's socket" }),
  }),
  troubles: Type.Record(Type.String(), Type.String(), {
    description: "what fails now, by the part of the stream",
  }),
  models: Type.Array(
    Type.Object({
      name: Type.String(),
      execution_provider: nullable(Type.String()),
    }),
    { description: "those that draw its frames, in their order" },
  ),
  loading: Type.Union(
    [
      Type.Object({
        model: Type.String(),
        for_ms: Type.Number(),
        expected_ms: Milliseconds,
      }),
      Type.Null(),
    ],
    { description: "the load that the stream waits for" },
  ),
});
export type PipelineDebug = Immutable<typeof PipelineDebug>;
