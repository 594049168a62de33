/** Sends a media file through a running server as one trickle segment in real time, and collects the output. */
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { decodePictures, type ReadFrame } from "./clip-reader.ts";
import { api, collect } from "./live-stream.ts";
import { type Heard, hearTrack } from "./sound.ts";
import { waitFor } from "./wait-for.ts";

const CHUNK_BYTES = 188 * 7;

export interface FieldOutput {
  /** Pictures and audio frames of the output, decoded by FFmpeg. */
  readonly pictures: readonly ReadFrame[];
  readonly sound: readonly ReadFrame[];
  readonly audioCodec: string | null;
  readonly heard: Heard;
  readonly stats: {
    readonly frames_in: number;
    readonly frames_out: number;
    readonly frames_dropped: number;
  };
  /** Errors in the stream's status while it ran. */
  readonly errors: readonly string[];
}

/**
 * Starts a stream with the model `identity`, sends `file` at an even pace over `seconds`, ends its
 * channel, and waits for the stream's end. `params` are added to the request.
 */
export async function restreamFile(
  server: string,
  file: Uint8Array,
  { seconds, params = {} }: { readonly seconds: number; readonly params?: object },
): Promise<FieldOutput> {
  const name = crypto.randomUUID();
  const stop = new AbortController();
  const input_url = `${server}/trickle/${name}-in`;
  const stream_url = `${server}/trickle/${name}-out`;
  const publisher = await TricklePublisher.open(
    { url: input_url },
    { contentType: "application/octet-stream", create: true, signal: stop.signal },
  );
  const { start, stream } = api(server);
  const request = { model: "identity", width: 320, height: 240, ...params };
  const id = await start({ stream_url, input_url, ...request });
  await waitFor("the stream to run", async () => (await stream(id)).status === "active");
  const output = collect(stream_url, stop.signal);
  const errors = new Set<string>();
  const writer = publisher.writable.getWriter();
  const begun = performance.now();
  for (let at = 0; at < file.length; at += CHUNK_BYTES) {
    const due = begun + (seconds * 1000 * at) / file.length;
    if (due - performance.now() > 4) await Bun.sleep(due - performance.now()); // paces a live source
    await writer.write({ data: file.subarray(at, at + CHUNK_BYTES), first: at === 0 });
  }
  const note = async (): Promise<string> => {
    const { status, error } = await stream(id);
    if (error) errors.add(typeof error === "string" ? error : error.message);
    return status;
  };
  await note();
  await publisher.close();
  await publisher.deleteChannel();
  await output.ended;
  await waitFor("the stream to have ended", async () => (await note()) !== "active");
  const { stats } = await stream(id);
  const bytes = Buffer.concat(output.segments.map((segment) => segment.bytes));
  const media = bytes.length > 0 ? await decodePictures(Uint8Array.from(bytes)) : null;
  stop.abort();
  return {
    pictures: media?.video?.frames ?? [],
    sound: media?.audio?.frames ?? [],
    audioCodec: media?.audio?.codecName ?? null,
    heard: hearTrack(media?.audio ?? null),
    stats,
    errors: [...errors],
  };
}
