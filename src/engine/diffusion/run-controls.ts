/** Selects the ControlNets that steer a prompt in each step of a pipeline's run, by diffusers' rules and by ComfyUI's. */
import { pictureTensor } from "../models/roles/frame.ts";
import type { StillPicture } from "../models/roles/role.ts";
import type { Size } from "../protocol/work.ts";
import type { ControlNet } from "./networks/control-net.ts";
import { resizedAsPillow } from "./pillow-resize.ts";
import type { RowControl } from "./row-groups.ts";
import type { ControlsFor } from "./sampler/prompt-guidance.ts";
import type { ShareRange, SigmaTable } from "./schedule/sigma-table.ts";

/** A picture that one of a pipeline's ControlNets follows. */
export interface ControlPicture {
  /** The place of the ControlNet among those of the pipeline. */
  readonly net: number;
  /** Of any size: it is stretched to that of the picture that is drawn. */
  readonly picture: StillPicture;
  /** Factor of the residuals, above 0. */
  readonly strength: number;
  /** When it is followed. */
  readonly range: ShareRange;
}

/** What the ControlNets of a pipeline do in a run. */
export interface Controls {
  readonly pictures: readonly ControlPicture[];
  /** diffusers' guess mode: the negative prompt is not steered, and shallow residuals count less. */
  readonly guesses: boolean;
}

export const NO_CONTROLS: Controls = { pictures: [], guesses: false };

export class RunControls {
  readonly #controls: readonly (RowControl & { readonly range: ShareRange })[];
  readonly #guesses: boolean;

  /** @param size of the picture that is drawn */
  constructor({ pictures, guesses }: Controls, nets: readonly ControlNet[], size: Size) {
    this.#guesses = guesses;
    this.#controls = pictures.map(({ net: place, picture, strength, range }) => {
      const net = nets[place];
      if (net === undefined) throw new RangeError(`the pipeline has no ControlNet ${place}`);
      const hint = pictureTensor(resizedAsPillow(picture, size));
      return { net, hint, strength, depths: guesses ? "rising" : "even", range };
    });
  }

  /** As in diffusers: at work in steps that lie inside their range as a whole. */
  atStep(step: number, steps: number): ControlsFor {
    return this.#where(({ start, end }) => step / steps >= start && (step + 1) / steps <= end);
  }

  /** As in ComfyUI: at work at timesteps inside their range. */
  atSigma(sigma: number, table: SigmaTable): ControlsFor {
    return this.#where((range) => table.isWithin(sigma, range));
  }

  #where(isAtWork: (range: ShareRange) => boolean): ControlsFor {
    const atWork = this.#controls.filter(({ range }) => isAtWork(range));
    return (prompt) => (this.#guesses && prompt === "negative" ? [] : atWork);
  }
}
