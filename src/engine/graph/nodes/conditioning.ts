/** Lists the classes that turn prompts into conditionings, and combine and place these. */
import type { NodeClass } from "../node-class.ts";
import { CLIPSetLastLayer } from "./conditioning/clip-set-last-layer.ts";
import { CLIPTextEncode } from "./conditioning/clip-text-encode.ts";
import { CLIPTextEncodeSDXL } from "./conditioning/clip-text-encode-sdxl.ts";
import { ConditioningAverage } from "./conditioning/conditioning-average.ts";
import { ConditioningCombine } from "./conditioning/conditioning-combine.ts";
import { ConditioningConcat } from "./conditioning/conditioning-concat.ts";
import { ConditioningSetArea } from "./conditioning/conditioning-set-area.ts";
import { ConditioningSetMask } from "./conditioning/conditioning-set-mask.ts";
import { ConditioningSetTimestepRange } from "./conditioning/conditioning-set-timestep-range.ts";
import { ConditioningZeroOut } from "./conditioning/conditioning-zero-out.ts";
import { ControlNetApply } from "./conditioning/control-net-apply.ts";
import { ControlNetApplyAdvanced } from "./conditioning/control-net-apply-advanced.ts";

export const CONDITIONING_NODES: readonly NodeClass[] = [
  CLIPSetLastLayer,
  CLIPTextEncode,
  CLIPTextEncodeSDXL,
  ConditioningAverage,
  ConditioningCombine,
  ConditioningConcat,
  ConditioningSetArea,
  ConditioningSetMask,
  ConditioningSetTimestepRange,
  ConditioningZeroOut,
  ControlNetApply,
  ControlNetApplyAdvanced,
];
