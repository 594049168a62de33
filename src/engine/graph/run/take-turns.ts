/** Yields between the steps of a graph, so that several graphs share one thread. Used in workers. */

/**
 * Lets the thread handle what has arrived meanwhile: the computations of other graphs, and the message that ends this one.
 * Called between two computations, which block the thread; costs some microseconds. Throws the signal's reason.
 */
export async function takeTurns(signal: AbortSignal | null): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
