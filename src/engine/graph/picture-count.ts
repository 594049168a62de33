/** Bounds the pictures that graphs give in one answer, where they travel as PNG in JSON. */
import { WorkerError } from "../../errors.ts";

export const MAX_PICTURES = 64;

/** Throws `invalid_request` for more pictures than an answer holds. */
export function checkPictureCount(count: number): void {
  if (count <= MAX_PICTURES) return;
  const problem = `the graph gives ${count} pictures, and an answer holds ${MAX_PICTURES}`;
  throw new WorkerError("invalid_request", `prompts: ${problem}: save or preview fewer`);
}
