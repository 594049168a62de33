/** Hides how the camera becomes a trickle channel. */

export async function openCamera(
  _channel: string,
  _token: () => string,
  _signal: AbortSignal,
): Promise<MediaStream> {
  throw new Error("not yet");
}
