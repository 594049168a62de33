/** Declares and builds the answer to `/stats`: the runner's status, the session, and the figures of its media (live-runner.md 4.3). */
import { type Static, Type } from "@sinclair/typebox";
import { nullable } from "../../../../schema.ts";
import type { Stream } from "../../../streams/stream.ts";
import { SessionObject } from "./session-object.ts";
import { StatusAnswer } from "./status-answer.ts";

const Side = nullable(Type.Integer());

const InputFigures = Type.Object({
  input_fps: Type.Number({ description: "frames a second of media" }),
  frames_in: Type.Integer(),
  bytes_in: Type.Integer(),
  audio_fps: Type.Number({ description: "audio packets a second" }),
});

const OutputFigures = Type.Object({
  output_fps: Type.Number({ description: "frames a second of media" }),
  frames_out: Type.Integer(),
  frames_dropped: Type.Integer(),
  segments_out: Type.Integer(),
  bytes_out: Type.Integer(),
  audio_fps: Type.Number({ description: "audio packets a second" }),
  width: Side,
  height: Side,
});

export const StatsAnswer = Type.Object(
  {
    ...Type.Omit(StatusAnswer, ["session"]).properties,
    session: nullable(SessionObject, { description: "the caller's own" }),
    input: nullable(InputFigures),
    output: nullable(OutputFigures),
  },
  { description: "the state of the runner, of the session, and of its media" },
);
export type StatsAnswer = Static<typeof StatsAnswer>;

/** `stream`: the session's. */
export function statsAnswer(
  status: StatusAnswer,
  session: SessionObject | null,
  stream: Stream | null,
): StatsAnswer {
  if (session === null || stream === null)
    return { ...status, session: null, input: null, output: null };
  const {
    stats,
    size,
    measured: { audioRates },
  } = stream;
  return {
    ...status,
    session,
    input: {
      input_fps: stats.fps_in,
      frames_in: stats.frames_in,
      bytes_in: stats.bytes_in,
      audio_fps: audioRates.in,
    },
    output: {
      output_fps: stats.fps_out,
      frames_out: stats.frames_out,
      frames_dropped: stats.frames_dropped,
      segments_out: stats.segments_out,
      bytes_out: stats.bytes_out,
      audio_fps: audioRates.out,
      width: size?.width ?? null,
      height: size?.height ?? null,
    },
  };
}
