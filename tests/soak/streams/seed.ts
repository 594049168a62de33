/** The soak's streams of the seed's protocol: one with input, and one whose pictures a model draws by its prompt. */
import { ClipFeed } from "../../faults/input/clip-feed.ts";
import type { FaultyTrickle } from "../../faults/peer/faulty-trickle.ts";
import type { Worker } from "../../faults/rig/worker.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { OutputWatch } from "../output-watch.ts";
import { type Change, SIZE, type SoakStream } from "./soak-stream.ts";

/** As of the streams by which the bounds of faults are measured: after some, output is back with a new segment. */
const SEGMENT_SECONDS = 0.5;

export interface SeedOptions {
  readonly worker: Worker;
  readonly trickle: FaultyTrickle;
  /** URL of a channel on the trickle server behind it. */
  readonly channel: (name: string) => string;
  /** What is sent; absent for a stream without input. */
  readonly media?: ReadMedia;
}

export async function startSeed(options: SeedOptions): Promise<SoakStream> {
  const { worker, trickle, channel, media } = options;
  await using started = new AsyncDisposableStack();
  const name = media ? ("seed with input" as const) : ("seed without" as const);
  const key = crypto.randomUUID();
  const output = channel(`soak-${key}-out`);
  const input = media
    ? started.use(await ClipFeed.open({ url: channel(`soak-${key}`), container: "fmp4", media }))
    : null;
  const id = await worker.api.start({
    stream_url: trickle.output.through(output),
    prompts: [{ prompt: "northern lights over a lake" }],
    segment_seconds: SEGMENT_SECONDS,
    ...SIZE,
    ...(input === null
      ? { fps: 15 }
      : { input_url: trickle.input.through(input.url), model: "edges" }),
  });
  const watch = started.use(new OutputWatch(output, "fmp4"));
  const owned = started.move();
  return {
    name,
    id,
    trickle,
    input,
    watch,
    change: (change: Change) => worker.api.params(id, change),
    problems: () => [],
    async stop() {
      await worker.api.stop(id);
      await owned.disposeAsync();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
