/** Judges whether prompts were encoded for the model that samples by them, before a network is run with them. */
import { WorkerError } from "../../../errors.ts";
import type { Denoiser } from "../../diffusion/networks/denoiser.ts";
import type { ConditioningPart } from "./values.ts";

/** Throws `invalid_request` for prompts of a text encoder, or with a ControlNet, of another kind of model. */
export function assertPromptsFit(denoiser: Denoiser, parts: readonly ConditioningPart[]): void {
  for (const { conditioning, control } of parts) {
    const { width, pooled } = conditioning;
    if ((denoiser.tokenWidth ?? width) !== width) {
      throw misfit(`vectors of ${width} numbers, and the model takes ${denoiser.tokenWidth}`);
    }
    const { pooledWidth } = denoiser;
    if (pooled !== null && pooledWidth !== null && pooled.length !== pooledWidth) {
      const made = `pooled vectors of ${pooled.length} numbers`;
      throw misfit(`${made}, and the model takes ${pooledWidth}`);
    }
    for (let one = control; one; one = one.previous ?? undefined) {
      if ((one.net.tokenWidth ?? width) === width) continue;
      const made = `the ControlNet takes vectors of ${one.net.tokenWidth} numbers from the text encoder, which makes ${width}`;
      throw new WorkerError("invalid_request", `${made}: load a ControlNet for this kind of model`);
    }
  }
  if (!denoiser.takes("text_embeds")) return;
  if (parts.length === 0 || parts.some(({ conditioning }) => conditioning.pooled !== null)) return;
  throw misfit("no pooled vectors, and the model (SDXL) needs them");
}

const misfit = (what: string): WorkerError =>
  new WorkerError(
    "invalid_request",
    `the text encoder makes ${what}: load the CLIP that belongs to the model`,
  );
