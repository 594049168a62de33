/** Benchmark `join`: a viewer in a real Chromium on the real server: first picture, first changed picture, distance from live. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { TICKS_PER_SECOND } from "../../src/media/time.ts";
import { type Browser, noBrowser, startBrowser } from "../../tests/support/browser.ts";
import type { Benchmark } from "./benchmark.ts";
import { type FragmentTimes, readFragmentTimes } from "./fragment-times.ts";
import { firstChanged } from "./join-change.ts";
import type { Picture, Seen } from "./join-probe.ts";
import { Viewer } from "./join-viewer.ts";
import { type ProductServer, startProduct } from "./product-server.ts";
import { type Measurement, quantile } from "./report.ts";

/** Far apart in colour and calm in themselves. */
const SCENES = ["a green meadow at noon", "a red desert at night"] as const;
/** The morph of the change before, and a moment without any for comparison. */
const BETWEEN_CHANGES_MS = 3000;
/** Before each change by so much it is asked whether one is seen that nobody made. */
const SHAM_MS = 900;
const SHARES = [0.5, 0.95, 0.99] as const;
const AIM_MS = { on: "value", sign: "≤", bound: 300 } as const;

export const join: Benchmark = async ({ quick, log }) => {
  if (noBrowser !== null) return [{ case: "join", unit: "ms", samples: [], note: noBrowser }];
  const workspace = await mkdtemp(path(tmpdir(), "join-"));
  try {
    await using server = await startProduct(["--workspace", workspace]);
    await using browser = await startBrowser();
    const channel = server.channel("join");
    const id = await server.startStream({
      stream_url: channel,
      model: "dreamscape",
      prompts: [{ prompt: SCENES[0] }],
    });
    await (await Viewer.open(browser, server.url))[Symbol.asyncDispose](); // the stream's own start is not a viewer's wait
    const joins = await joinTimes(browser, server, channel, quick ? 3 : 20, log);
    const changes = await changeTimes(browser, server, channel, id, quick ? 3 : 12, log);
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
  const fetches: number[] = [];
  const joins: Seen[][] = [];
  for (let round = 1; round <= rounds; round++) {
    await using viewer = await Viewer.open(browser, server.url);
    navigations.push(timeOf(await viewer.trace(), "picture"));
    await viewer.leave();
    await Bun.sleep(500 + 1000 * Math.random()); // anywhere in a segment, which takes a second
    fetches.push(await viewer.fetchSegment(new URL(channel).pathname));
    await viewer.join();
    const seen = await viewer.trace();
    joins.push(seen);
    log(`join ${round} of ${rounds}: ${between(seen, "click", "picture").toFixed(0)} ms`);
  }
  const took = (from: Seen["what"], to: Seen["what"]) =>
    joins.map((seen) => between(seen, from, to));
  const control = { name: "fetch of one segment", samples: fetches };
  return [
    ...percentiles("loaded page: click → first picture", took("click", "picture")).map((row) =>
      row.case.endsWith("p95") ? { ...row, reference: control, aim: AIM_MS } : row,
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

async function changeTimes(
  browser: Browser,
  server: ProductServer,
  channel: string,
  id: string,
  rounds: number,
  log: (text: string) => void,
): Promise<Measurement[]> {
  const fragments: FragmentTimes = new Map();
  const over = new AbortController();
  const reading = readFragmentTimes(channel, fragments, over.signal);
  await using resources = new AsyncDisposableStack();
  resources.defer(async () => {
    over.abort();
    await reading;
  });
  await using viewer = await Viewer.open(browser, server.url);
  await viewer.watchPixels();
  const took: number[] = [];
  const pictures: Picture[] = [];
  let shams = 0;
  for (let round = 1; round <= rounds; round++) {
    await Bun.sleep(BETWEEN_CHANGES_MS + 500 * Math.random());
    await viewer.change(id, { prompts: [{ prompt: SCENES[round % 2] }] });
    await Bun.sleep(BETWEEN_CHANGES_MS / 2);
    const seen = await viewer.trace();
    const shown = seen.filter((one) => one.what === "picture");
    const at = timeOf(seen, "change");
    took.push((firstChanged(shown, at)?.at ?? Number.NaN) - at);
    const sham = firstChanged(shown, at - SHAM_MS);
    if (sham && sham.at < at) shams++;
    pictures.push(...shown);
    log(`change ${round} of ${rounds}: ${took.at(-1)?.toFixed(0)} ms`);
  }
  const origin = (await viewer.timeOrigin()) - performance.timeOrigin;
  const behind = pictures.flatMap(({ at, media }) => {
    const came = fragments.get(Math.round(media * TICKS_PER_SECOND));
    return came === undefined ? [] : [(origin + at - came) / 1000];
  });
  const seconds = (Math.max(...pictures.map(({ at }) => at)) - (pictures[0]?.at ?? 0)) / 1000;
  const unseen = took.filter(Number.isNaN).length;
  return [
    ...percentiles("parameters posted → first changed picture", took).map((row) =>
      row.case.endsWith("p95")
        ? {
            ...row,
            aim: AIM_MS,
            note: `${row.note}; unseen ${unseen}; seen where there was none ${shams}`,
          }
        : row,
    ),
    {
      case: "behind live p95",
      unit: "s",
      samples: [quantile(behind, 0.95)],
      aim: { on: "value", sign: "≤", bound: 1 },
      note: `from a fragment's arrival at a second reader to its picture; ${behind.length} of ${pictures.length} pictures, median ${quantile(behind, 0.5).toFixed(2)}`,
    },
    {
      case: "control: pictures shown while prompts changed",
      unit: "fps",
      samples: [pictures.length / seconds],
    },
  ];
}

/** One row a share; each says what it was made of. */
function percentiles(name: string, samples: readonly number[]) {
  const [least, most] = [Math.min(...samples), Math.max(...samples)].map((ms) => ms.toFixed(0));
  return SHARES.map((share) => ({
    case: `${name} p${share * 100}`,
    unit: "ms",
    samples: [quantile(samples, share)],
    note: `${least}–${most} in ${samples.length}`,
  }));
}

/** When it was first seen; NaN if never. */
const timeOf = (seen: readonly Seen[], what: Seen["what"]): number =>
  seen.find((one) => one.what === what)?.at ?? Number.NaN;

const between = (seen: readonly Seen[], from: Seen["what"], to: Seen["what"]): number =>
  timeOf(seen, to) - timeOf(seen, from);
