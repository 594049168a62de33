/** Lists the classes of other packs that comfystream's own workflows use and that are replaced by something here. */
import type { NodeClass } from "../node-class.ts";
import { BackgroundColor } from "./stand-ins/background-color.ts";
import { Composite } from "./stand-ins/composite.ts";
import { DepthAnythingTensorrt } from "./stand-ins/depth-anything-tensorrt.ts";
import { FeatureBankAttentionProcessor } from "./stand-ins/feature-bank-attention-processor.ts";
import { GaussianBlur } from "./stand-ins/gaussian-blur.ts";
import { TensorRTLoader } from "./stand-ins/tensor-rt-loader.ts";
import { TorchCompileLoadControlNet } from "./stand-ins/torch-compile-load-control-net.ts";
import { TorchCompileLoadVAE } from "./stand-ins/torch-compile-load-vae.ts";

export const STAND_IN_NODES: readonly NodeClass[] = [
  TensorRTLoader,
  TorchCompileLoadControlNet,
  TorchCompileLoadVAE,
  FeatureBankAttentionProcessor,
  DepthAnythingTensorrt,
  Composite,
  BackgroundColor,
  GaussianBlur,
];
