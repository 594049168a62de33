/** A stream of the identity model on a running server, with a paced publisher of its input and a reader of its output. */
import { openPacedPublisher } from "./paced-publisher.ts";
import type { ProductApi } from "./product-server.ts";
import { readChannel } from "./read-channel.ts";

export interface FedStream {
  readonly id: string;
  /**
   * Plays units at 30 a second until they end, or the stream does, and then ends the segment: units played later must begin
   * with a key frame. Returns when each was written (`performance.now()`).
   */
  play(units: Iterable<Uint8Array>): Promise<number[]>;
  /** Stops what plays, the stream and its reader. Throws if nothing has come out of it. */
  end(): Promise<void>;
}

/** Starts stream number `n` of a benchmark. */
export async function openFedStream(api: ProductApi, n: number): Promise<FedStream> {
  const [input, output] = [api.channel(`in-${n}`), api.channel(`out-${n}`)];
  const publisher = await openPacedPublisher(input);
  const prompts = [{ prompt: "bench" }];
  const fields = { prompts, model: "identity", input_url: input, stream_url: output };
  const id = await api.startStream(fields);
  const stop = new AbortController();
  let bytes = 0;
  const reading = readChannel(output, stop.signal, ({ data }) => {
    bytes += data.length;
  });
  let playing: Promise<unknown> = Promise.resolve();
  return {
    id,
    play(units) {
      const played = publisher.play(units, stop.signal).finally(() => publisher.endSegment());
      playing = played;
      return played;
    },
    async end() {
      await api.stopStream(id);
      stop.abort();
      await Promise.all([reading, playing]);
      await publisher[Symbol.asyncDispose]();
      if (bytes === 0) throw new Error(`nothing came out of stream ${n}`);
    },
  };
}
