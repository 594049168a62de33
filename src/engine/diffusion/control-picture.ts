/** What steers the ControlNet of a pipeline in one frame. */
import type { StillPicture } from "../models/roles/role.ts";

/** A picture that is followed, as large as the one that is drawn. */
export interface ControlPicture {
  readonly picture: StillPicture;
  /** Factor of the residuals, above 0. */
  readonly strength: number;
}
