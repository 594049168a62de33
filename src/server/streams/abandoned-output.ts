/** Ends the output of a stream whose engine is gone, so that the channel's readers do not wait for more. */
import type { OutputChannel } from "../../engine/protocol/work.ts";
import { deleteChannel, deleteSegment } from "../../trickle/client/channel-requests.ts";

/**
 * Deletes an owned channel. In a given one, which its owner ends, closes the segment that was begun last, `seq`, and the
 * one that was connected ahead. Takes at most a second and never throws.
 */
export async function endAbandonedOutput(
  { endpoint, lifecycle }: OutputChannel,
  seq: number | null,
): Promise<void> {
  if (lifecycle === "owned") await deleteChannel(endpoint);
  else if (seq !== null)
    await Promise.all([seq, seq + 1].map((one) => deleteSegment(endpoint, one)));
}
