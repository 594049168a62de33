/** Benchmark `join`: time to the first picture and to the first changed picture, and distance from live, in a real Chromium. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { type Browser, noBrowser, startBrowser } from "../../tests/support/browser.ts";
import type { Benchmark } from "./benchmark.ts";
import { changeTimes, SCENES } from "./join-change.ts";
import { type Seen, timeOf } from "./join-probe.ts";
import { AIM_MS, percentiles } from "./join-rows.ts";
import { Viewer } from "./join-viewer.ts";
import { type ProductServer, startProduct } from "./product-server.ts";
import type { Measurement } from "./report.ts";

const MODEL = "dreamscape";

export const join: Benchmark = async ({ quick, log }) => {
  if (noBrowser !== null) return [{ case: "join", unit: "ms", samples: [], note: noBrowser }];
  const workspace = await mkdtemp(path(tmpdir(), "join-"));
  try {
    await using server = await startProduct(["--workspace", workspace]);
    await using browser = await startBrowser();
    const channel = server.channel("join");
    const id = await server.startStream({
      stream_url: channel,
      model: MODEL,
      prompts: [{ prompt: SCENES[0] }],
    });
    await (await Viewer.open(browser, server.url))[Symbol.asyncDispose](); // excludes the stream's own start
    const joins = await joinTimes(browser, server, channel, quick ? 3 : 20, log);
    const changes = await changeTimes(browser, server, channel, id, quick ? 3 : 40, log);
    await server.stopStream(id);
    return [...joins, ...changes];
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
};

async function joinTimes(
  browser: Browser,
  server: ProductServer,
  channel: string,
  rounds: number,
  log: (text: string) => void,
): Promise<Measurement[]> {
  const navigations: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await using viewer = await Viewer.open(browser, server.url);
    navigations.push(timeOf(await viewer.trace(), "picture"));
    log(`navigation ${round} of ${rounds}: ${navigations.at(-1)?.toFixed(0)} ms`);
  }
  const fetches: number[] = [];
  const joins: Seen[][] = [];
  const other = await startOther(server);
  for (let round = 1; round <= rounds; round++) {
    await using viewer = await Viewer.openList(browser, server.url);
    await Bun.sleep(500 + 1000 * Math.random()); // a random point in a segment, which lasts a second
    fetches.push(await viewer.fetchSegment(new URL(channel).pathname));
    await viewer.join(MODEL);
    const seen = await viewer.trace();
    joins.push(seen);
    log(`join ${round} of ${rounds}: ${between(seen, "click", "picture").toFixed(0)} ms`);
  }
  await server.stopStream(other);
  const took = (from: Seen["what"], to: Seen["what"]) =>
    joins.map((seen) => between(seen, from, to));
  const control = { name: "fetch of one segment", samples: fetches };
  return [
    ...percentiles("loaded page: click → first picture", took("click", "picture")).map((row) =>
      row.case.endsWith("p95") ? { ...row, reference: control, aim: AIM_MS.join } : row,
    ),
    ...percentiles("navigation → first picture", navigations),
    ...percentiles("control: the page fetches one whole segment", fetches),
    { case: "of a join: click → asked", unit: "ms", samples: took("click", "asked") },
    { case: "of a join: asked → answer begins", unit: "ms", samples: took("asked", "head") },
    { case: "of a join: answer → to the player", unit: "ms", samples: took("head", "append") },
    { case: "of a join: the player takes it", unit: "ms", samples: took("append", "appended") },
    { case: "of a join: taken → picture", unit: "ms", samples: took("appended", "picture") },
  ];
}

const between = (seen: readonly Seen[], from: Seen["what"], to: Seen["what"]): number =>
  timeOf(seen, to) - timeOf(seen, from);

/** With two streams the page waits until its user has chosen one. */
const startOther = (server: ProductServer): Promise<string> =>
  server.startStream({
    stream_url: server.channel("other"),
    model: "test-card",
    width: 64,
    height: 64,
    fps: 5,
  });
