/** The calls from the engine's main thread to a program's worker thread, with the input and output of each. */
import type { PlainError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { ModelDefinition } from "../../models/definition.ts";
import type { ProgramSource } from "../../models/onnx-source.ts";
import type { RunItem } from "../../models/roles/role.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { SessionSettings } from "../devices.ts";

/** A picture that an output node of a graph gives. */
export interface NodePicture {
  /** Its id. */
  readonly node: string;
  /** The picture's place in the batch of the node. */
  readonly index: number;
  readonly picture: Picture;
}

/** What one item of a run gives. */
export interface RunOutput {
  /** Null for models whose outputs hold no picture. */
  readonly picture: Picture | null;
  /** By output name. */
  readonly data: Readonly<Record<string, Tensor>>;
  /** What nodes of graphs say, by the node's id. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Of graphs that run for a request: all pictures of the last graph that gives any. They share memory with `picture`. */
  readonly nodePictures?: readonly NodePicture[];
}

export interface Calls {
  /** Lists the execution providers that ONNX Runtime was built with. */
  backends: [null, readonly string[]];
  /** Opens and runs a tiny session on the device alone. */
  probe: [{ settings: SessionSettings }, null];
  /** Opens the model. A path is read in the worker, so that a large file does not block the main thread. */
  open: [
    { source: ProgramSource; definition: ModelDefinition; settings: SessionSettings },
    { loadMs: number },
  ];
  /** Runs `count` copies of an item together, which keep no state; the fastest of `times` runs, in milliseconds. */
  prepare: [{ item: RunItem; count: number; times: number }, { ms: number }];
  /** Runs items each alone and together; true if they get the same both times. */
  compare: [{ items: readonly RunItem[] }, { alike: boolean }];
  /** One output an item; null for a run that was abandoned. Pictures are transferred. */
  run: [{ items: readonly RunItem[] }, { outputs: readonly RunOutput[] | null; ms: number }];
  /** Ends the run of a lane that is in progress, if it still is after `graceMs`, and the program can. Performed at once. */
  abandon: [{ lane: string; graceMs: number }, null];
  /** After the first run: the number of nodes that each execution provider runs. Only where the session is profiled. */
  placements: [null, Readonly<Record<string, number>>];
  /** Forgets the state of a lane. */
  forget: [{ lane: string }, null];
  /** Releases the session; the worker may be terminated after the answer. */
  close: [null, null];
}

export type Request = {
  [K in keyof Calls]: { readonly id: number; readonly call: K; readonly input: Calls[K][0] };
}[keyof Calls];

export type Response =
  | { readonly id: number; readonly ok: true; readonly output: unknown }
  | { readonly id: number; readonly ok: false; readonly error: PlainError };
