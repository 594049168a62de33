/** Declares the nodes that make and change lists of sigmas. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link } from "../input-declaration.ts";
import { SCHEDULERS } from "./choices.ts";

export const SCHEDULE_NODES: Declarations = {
  AlignYourStepsScheduler: {
    category: "sampling/sigmas",
    inputs: {
      model_type: choice(["SD1", "SDXL", "SVD"]),
      steps: int({ default: 10, min: 1, max: 10000 }),
      denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["SIGMAS"],
  },
  BasicScheduler: {
    category: "sampling/sigmas",
    inputs: {
      model: link("MODEL"),
      scheduler: choice(SCHEDULERS),
      steps: int({ default: 20, min: 1, max: 10000 }),
      denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["SIGMAS"],
  },
  BetaSamplingScheduler: {
    category: "sampling/sigmas",
    inputs: {
      model: link("MODEL"),
      steps: int({ default: 20, min: 1, max: 10000 }),
      alpha: float({ default: 0.6, min: 0, max: 50, step: 0.01, round: false }),
      beta: float({ default: 0.6, min: 0, max: 50, step: 0.01, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  ExponentialScheduler: {
    category: "sampling/sigmas",
    inputs: {
      steps: int({ default: 20, min: 1, max: 10000 }),
      sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
      sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  FlipSigmas: {
    category: "sampling/sigmas",
    inputs: {
      sigmas: link("SIGMAS"),
    },
    outputs: ["SIGMAS"],
  },
  KarrasScheduler: {
    category: "sampling/sigmas",
    inputs: {
      steps: int({ default: 20, min: 1, max: 10000 }),
      sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
      sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
      rho: float({ default: 7, min: 0, max: 100, step: 0.01, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  LaplaceScheduler: {
    category: "sampling/sigmas",
    inputs: {
      steps: int({ default: 20, min: 1, max: 10000 }),
      sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
      sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
      mu: float({ default: 0, min: -10, max: 10, step: 0.1, round: false }),
      beta: float({ default: 0.5, min: 0, max: 10, step: 0.1, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  PolyexponentialScheduler: {
    category: "sampling/sigmas",
    inputs: {
      steps: int({ default: 20, min: 1, max: 10000 }),
      sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
      sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
      rho: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  SDTurboScheduler: {
    category: "sampling/sigmas",
    inputs: {
      model: link("MODEL"),
      steps: int({ default: 1, min: 1, max: 10 }),
      denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["SIGMAS"],
  },
  SplitSigmas: {
    category: "sampling/sigmas",
    inputs: {
      sigmas: link("SIGMAS"),
      step: int({ default: 0, min: 0, max: 10000 }),
    },
    outputs: ["SIGMAS", "SIGMAS"],
    outputNames: ["high_sigmas", "low_sigmas"],
  },
  SplitSigmasDenoise: {
    category: "sampling/sigmas",
    inputs: {
      sigmas: link("SIGMAS"),
      denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["SIGMAS", "SIGMAS"],
    outputNames: ["high_sigmas", "low_sigmas"],
  },
  VPScheduler: {
    category: "sampling/sigmas",
    inputs: {
      steps: int({ default: 20, min: 1, max: 10000 }),
      beta_d: float({ default: 19.9, min: 0, max: 5000, step: 0.01, round: false }),
      beta_min: float({ default: 0.1, min: 0, max: 5000, step: 0.01, round: false }),
      eps_s: float({ default: 0.001, min: 0, max: 1, step: 0.0001, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  SetFirstSigma: {
    category: "sampling/sigmas",
    inputs: {
      sigmas: link("SIGMAS"),
      sigma: float({ default: 136, min: 0, max: 20000, step: 0.001, round: false }),
    },
    outputs: ["SIGMAS"],
  },
  ExtendIntermediateSigmas: {
    category: "sampling/sigmas",
    inputs: {
      sigmas: link("SIGMAS"),
      steps: int({ default: 2, min: 1, max: 100 }),
      start_at_sigma: float({ default: -1, min: -1, max: 20000, step: 0.01, round: false }),
      end_at_sigma: float({ default: 12, min: 0, max: 20000, step: 0.01, round: false }),
      spacing: choice(["linear", "cosine", "sine"]),
    },
    outputs: ["SIGMAS"],
  },
};
