/** Ends the output of a stream whose engine is gone, so that the channel's readers do not wait for more. */
import { LINGER_MS, type OutputChannel } from "../../engine/protocol/work.ts";
import { deleteChannel, deleteSegment } from "../../trickle/client/channel-requests.ts";

/**
 * Deletes an owned channel. In any other, closes the segment that was begun last, `seq`, and the one that was connected
 * ahead; an adopted channel is then deleted, once its readers have had time to read that segment. Takes at most 2.5 s
 * and never throws.
 */
export async function endAbandonedOutput(
  { endpoint, lifecycle }: OutputChannel,
  seq: number | null,
): Promise<void> {
  if (lifecycle !== "owned" && seq !== null)
    await Promise.all([seq, seq + 1].map((one) => deleteSegment(endpoint, one)));
  if (lifecycle === "adopted" && seq !== null) await Bun.sleep(LINGER_MS);
  if (lifecycle !== "given") await deleteChannel(endpoint);
}
