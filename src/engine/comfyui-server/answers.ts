/** Schemas of the parts of ComfyUI's answers and messages that are read here (server.py and execution.py of 0.3.64). */
import { Type } from "@sinclair/typebox";
import { type Immutable, nullable } from "../../schema.ts";

/** A file of ComfyUI's, as nodes name those that they have saved. */
export const StoredFile = Type.Object({
  filename: Type.String(),
  subfolder: Type.String(),
  type: Type.String(),
});
export type StoredFile = Immutable<typeof StoredFile>;

/** Of `GET /system_stats`. */
export const SystemStats = Type.Object({
  /** Versions before 0.3.8 do not name themselves. */
  system: Type.Object({ comfyui_version: Type.Optional(Type.String()) }),
  devices: Type.Array(Type.Object({ name: Type.String() })),
});

/** One thing that is wrong with a node. */
export const NodeError = Type.Object({
  type: Type.String(),
  message: Type.String(),
  details: Type.String(),
  extra_info: Type.Optional(Type.Object({ input_name: Type.Optional(Type.String()) })),
});
export type NodeError = Immutable<typeof NodeError>;

/** By node id. */
export const NodeErrors = Type.Record(
  Type.String(),
  Type.Object({
    errors: Type.Array(NodeError),
    class_type: Type.String(),
    /** Ids of the outputs that cannot run because of it. */
    dependent_outputs: Type.Array(Type.String()),
  }),
);
export type NodeErrors = Immutable<typeof NodeErrors>;

/** What is wrong with a graph as a whole. */
export const PromptError = Type.Object({ message: Type.String(), details: Type.String() });
export type PromptError = Immutable<typeof PromptError>;

/** Of `GET /queue`: each entry begins with its number and the id of its prompt. */
const QueueEntry = Type.Array(Type.Unknown(), { minItems: 2 });
export const Queue = Type.Object({
  queue_running: Type.Array(QueueEntry),
  queue_pending: Type.Array(QueueEntry),
});

const prompt_id = Type.String();
const node = Type.String();

/** Messages on the WebSocket; there are more types, which are ignored. */
export const SocketMessage = Type.Union([
  Type.Object({
    type: Type.Literal("executing"),
    /** A node begins; null: the prompt has ended, however. */
    data: Type.Object({ prompt_id, node: nullable(node) }),
  }),
  Type.Object({
    type: Type.Literal("progress"),
    data: Type.Object({ prompt_id, node, value: Type.Number(), max: Type.Number() }),
  }),
  Type.Object({
    type: Type.Literal("executed"),
    data: Type.Object({ prompt_id, node, output: Type.Unknown() }),
  }),
  Type.Object({ type: Type.Literal("execution_success"), data: Type.Object({ prompt_id }) }),
  Type.Object({
    type: Type.Literal("execution_interrupted"),
    data: Type.Object({ prompt_id, node_id: node }),
  }),
  Type.Object({
    type: Type.Literal("execution_error"),
    data: Type.Object({
      prompt_id,
      node_id: node,
      exception_type: Type.String(),
      exception_message: Type.String(),
    }),
  }),
]);
export type SocketMessage = Immutable<typeof SocketMessage>;

/** The output of a node that saves pictures or shows text. */
export const NodeOutput = Type.Object({
  images: Type.Optional(Type.Array(StoredFile)),
  text: Type.Optional(Type.Array(Type.Unknown())),
});

/** Beside a picture on the WebSocket. */
export const PictureInfo = Type.Object({ prompt_id, node_id: node, image_type: Type.String() });
