/** Tells which node classes run here. The others are known so that errors can explain them. */
import type { CheckedNode } from "./check-node.ts";
import type { NodeClass } from "./node-class.ts";

const runsHere = ({ fragment, run }: NodeClass): boolean =>
  fragment !== undefined || run !== undefined;

/** The class reads or gives the audio of a stream, which no graph is given, neither here nor by a ComfyUI at COMFYUI_URL. */
export const isOfAudio = (className: string | null): boolean =>
  className === "LoadAudioTensor" || className === "SaveAudioTensor";

/** Those of the nodes that nothing here runs. */
export const unsupported = (nodes: readonly CheckedNode[]): CheckedNode[] =>
  nodes.filter(({ nodeClass }) => !runsHere(nodeClass));

/** The classes that graphs may use here, for `GET /nodes`. */
export const runnable = (classes: Iterable<NodeClass>): NodeClass[] =>
  [...classes].filter((nodeClass) => nodeClass.isRewritten || runsHere(nodeClass));
