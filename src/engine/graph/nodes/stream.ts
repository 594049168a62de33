/** Lists the classes that join a graph to a stream (comfystream's), and ours, which runs any model folder. */
import type { NodeClass } from "../node-class.ts";
import { LoadTensor } from "./stream/load-tensor.ts";
import { OnnxModel } from "./stream/onnx-model.ts";
import { PrimaryInputLoadImage } from "./stream/primary-input-load-image.ts";
import { SaveTensor } from "./stream/save-tensor.ts";
import { SaveTextTensor } from "./stream/save-text-tensor.ts";

export const STREAM_NODES: readonly NodeClass[] = [
  LoadTensor,
  PrimaryInputLoadImage,
  SaveTensor,
  SaveTextTensor,
  OnnxModel,
];
