/** The picture that a pipeline's ControlNet follows in one frame, and how closely. */
import type { StillPicture } from "../models/roles/role.ts";

/** A picture that is followed, as large as the one that is drawn. */
export interface ControlPicture {
  readonly picture: StillPicture;
  /** Factor of the residuals, above 0. */
  readonly strength: number;
}
