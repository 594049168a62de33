/** Names the model that runs ComfyUI graphs: its prompts are graphs. */

/** The server's constant, whose module is not for browsers. */
export const GRAPH_MODEL: typeof import("../../engine/protocol/work.ts").GRAPH_MODEL = "comfyui";

export const isGraphModel = (model: string): boolean => model === GRAPH_MODEL;
