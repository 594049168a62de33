/** A stream of the largest size slows itself, not its neighbours, with the real server, engine, models and encoder. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { api } from "../support/live-stream.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(90_000);

/** Of the rate that a neighbour had before; the machine may be busy with other things, too. Shared threads leave 0.15. */
const KEPT = 0.6;

test("two streams keep their rate beside one of 4096 x 4096", async () => {
  await using server = await startServer(MAIN, ["--max-streams", "16"]);
  const { start, stream } = api(server.url);
  const begin = async (name: string, side: number): Promise<string> =>
    await start({
      prompts: [{ prompt: "a lake" }],
      model: "edges",
      width: side,
      height: side,
      stream_url: `${server.url}/trickle/${name}`,
    });
  const framesOut = async (ids: readonly string[]): Promise<number[]> =>
    await Promise.all(ids.map(async (id) => (await stream(id)).stats.frames_out));
  /** Frames a second of each stream, over some seconds. */
  const rates = async (ids: readonly string[], seconds: number): Promise<number[]> => {
    const before = await framesOut(ids);
    const began = performance.now();
    await Bun.sleep(seconds * 1000);
    const after = await framesOut(ids);
    const passed = (performance.now() - began) / 1000;
    return after.map((frames, index) => (frames - (before[index] ?? 0)) / passed);
  };

  const small = [await begin("one", 512), await begin("two", 512)];
  await waitFor("the neighbours", async () =>
    (await framesOut(small)).every((frames) => frames > 24),
  );
  const alone = await rates(small, 4);
  const large = await begin("large", 4096);
  await waitFor("the large stream", async () => ((await framesOut([large]))[0] ?? 0) > 0, 60_000);
  const beside = await rates(small, 6);
  for (const [index, rate] of beside.entries()) {
    expect(rate).toBeGreaterThan(KEPT * (alone[index] ?? 0));
  }
  expect((await framesOut([large]))[0]).toBeGreaterThan(0);
});
