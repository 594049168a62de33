/** The soak's live-runner session: reserved at a simulated orchestrator, with events and data channels. */
import { ClipFeed } from "../../faults/input/clip-feed.ts";
import type { FaultyTrickle } from "../../faults/peer/faulty-trickle.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { JsonWatch } from "../../support/live-runner/json-watch.ts";
import type { StandInOrchestrator } from "../../support/live-runner/stand-in.ts";
import { OutputWatch } from "../output-watch.ts";
import type { Change, SoakStream } from "./soak-stream.ts";

export interface RunnerOptions {
  readonly orchestrator: StandInOrchestrator;
  readonly trickle: FaultyTrickle;
  readonly media: ReadMedia;
  /** Ids of the worker's live streams. */
  readonly streamIds: () => Promise<readonly string[]>;
}

export async function startRunner(options: RunnerOptions): Promise<SoakStream> {
  const { orchestrator, trickle, media, streamIds } = options;
  await using started = new AsyncDisposableStack();
  const earlier = await streamIds();
  orchestrator.channels.runnerUrl = (url, name) =>
    (name === "in" ? trickle.input : name === "out" ? trickle.output : trickle.side).through(url);
  const session = await orchestrator.reserve();
  const { status, body } = await session.post("/stream", {
    model: "mirror",
    events: true,
    data: true,
  });
  if (status !== 200) throw new Error(`/stream: ${status} ${JSON.stringify(body)}`);
  const id = (await streamIds()).find((one) => !earlier.includes(one));
  if (id === undefined) throw new Error("the session has made no stream");
  const leaving = new AbortController();
  const ends: string[] = [];
  const watchJson = (kind: "events" | "data"): JsonWatch => {
    const watch = new JsonWatch(kind);
    const ended = (why: string) => void (leaving.signal.aborted || ends.push(`${kind}: ${why}`));
    watch.read(body[kind], leaving.signal).then(
      () => ended("the channel was closed"),
      (error: unknown) => ended(String(error)),
    );
    return watch;
  };
  const jsons = [watchJson("events"), watchJson("data")];
  started.defer(() => leaving.abort());
  const input = started.use(await ClipFeed.open({ url: body.in, container: "mpegts", media }));
  const watch = started.use(new OutputWatch(body.out, "mpegts"));
  const owned = started.move();
  return {
    name: "live runner" as const,
    id,
    trickle,
    input,
    watch,
    async change(change: Change) {
      const answer = await session.post("/update", change);
      if (answer.status !== 200)
        throw new Error(`/update: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    problems: () => [
      ...ends,
      ...jsons.flatMap(({ faults }) => faults),
      ...(orchestrator.session(session.id) === undefined ? ["the session was released"] : []),
    ],
    async stop() {
      leaving.abort();
      await input[Symbol.asyncDispose]();
      const answer = await session.post("/stop");
      if (answer.status !== 200)
        throw new Error(`/stop: ${answer.status} ${JSON.stringify(answer.body)}`);
      await owned.disposeAsync();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
