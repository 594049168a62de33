/** Lists the classes that make and change lists of sigmas. */
import type { NodeClass } from "../node-class.ts";
import { AlignYourStepsScheduler } from "./schedules/align-your-steps-scheduler.ts";
import { BasicScheduler } from "./schedules/basic-scheduler.ts";
import { BetaSamplingScheduler } from "./schedules/beta-sampling-scheduler.ts";
import { ExponentialScheduler } from "./schedules/exponential-scheduler.ts";
import { ExtendIntermediateSigmas } from "./schedules/extend-intermediate-sigmas.ts";
import { FlipSigmas } from "./schedules/flip-sigmas.ts";
import { KarrasScheduler } from "./schedules/karras-scheduler.ts";
import { LaplaceScheduler } from "./schedules/laplace-scheduler.ts";
import { PolyexponentialScheduler } from "./schedules/polyexponential-scheduler.ts";
import { SDTurboScheduler } from "./schedules/sd-turbo-scheduler.ts";
import { SetFirstSigma } from "./schedules/set-first-sigma.ts";
import { SplitSigmas } from "./schedules/split-sigmas.ts";
import { SplitSigmasDenoise } from "./schedules/split-sigmas-denoise.ts";
import { VPScheduler } from "./schedules/vp-scheduler.ts";

export const SCHEDULE_NODES: readonly NodeClass[] = [
  AlignYourStepsScheduler,
  BasicScheduler,
  BetaSamplingScheduler,
  ExponentialScheduler,
  FlipSigmas,
  KarrasScheduler,
  LaplaceScheduler,
  PolyexponentialScheduler,
  SDTurboScheduler,
  SplitSigmas,
  SplitSigmasDenoise,
  VPScheduler,
  SetFirstSigma,
  ExtendIntermediateSigmas,
];
