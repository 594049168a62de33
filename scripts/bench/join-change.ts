/** Part of benchmark `join`: the delay from a parameter change to the first changed picture. */
import { TICKS_PER_SECOND } from "../../src/media/time.ts";
import type { Browser } from "../../tests/support/browser.ts";
import { firstChanged } from "./first-changed.ts";
import { type FragmentTimes, readFragmentTimes } from "./fragment-times.ts";
import { type Picture, timeOf } from "./join-probe.ts";
import { AIM_MS, percentiles } from "./join-rows.ts";
import { Viewer } from "./join-viewer.ts";
import type { ProductServer } from "./product-server.ts";
import { type Measurement, quantile } from "./report.ts";

/** Prompts with very different colours and little motion. */
export const SCENES = ["a green meadow at noon", "a red desert at night"] as const;
/** Pause between changes: the morph of the previous one, and some time without change for comparison. */
const BETWEEN_CHANGES_MS = 3000;
/** Limit: a change that is not visible by then counts as taking this long. */
const UNSEEN_MS = 1500;
/** Time before each change at which the detector is run as a control, when nothing has changed. */
const SHAM_MS = 900;

/** Changes the prompt of stream `id`, which publishes to `channel`, `count` times. */
export async function changeTimes(
  browser: Browser,
  server: ProductServer,
  channel: string,
  id: string,
  count: number,
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
  const rounds: Change[] = [];
  for (let round = 1; round <= count; round++) {
    await Bun.sleep(BETWEEN_CHANGES_MS + 500 * Math.random());
    await viewer.change(id, { prompts: [{ prompt: SCENES[round % 2] }] });
    await Bun.sleep(UNSEEN_MS);
    const seen = await viewer.trace();
    const pictures = seen.filter((one) => one.what === "picture");
    const posted = timeOf(seen, "change");
    const changed = firstChanged(pictures, posted);
    const sham = firstChanged(pictures, posted - SHAM_MS);
    rounds.push({ posted, pictures, changed, sham: sham !== undefined && sham.at < posted });
    log(`change ${round} of ${count}: ${((changed?.at ?? Number.NaN) - posted).toFixed(0)} ms`);
  }
  const origin = (await viewer.timeOrigin()) - performance.timeOrigin;
  return changeRows(rounds, ({ media }) => {
    const at = fragments.get(Math.round(media * TICKS_PER_SECOND));
    return at === undefined ? Number.NaN : at - origin;
  });
}

interface Change {
  readonly posted: number;
  readonly pictures: readonly Picture[];
  readonly changed: Picture | undefined;
  /** The control run detected a change. */
  readonly sham: boolean;
}

/** `came` gives the time at which a second reader had a picture's bytes, by the page's clock; NaN if it missed them. */
function changeRows(rounds: readonly Change[], came: (picture: Picture) => number): Measurement[] {
  const seen = rounds.flatMap(({ posted, changed }) => (changed ? [{ posted, changed }] : []));
  const pictures = rounds.flatMap((round) => round.pictures);
  const behind = pictures
    .map((picture) => (picture.at - came(picture)) / 1000)
    .filter((seconds) => !Number.isNaN(seconds));
  const seconds = ((pictures.at(-1)?.at ?? 0) - (pictures[0]?.at ?? 0)) / 1000;
  const shams = rounds.filter(({ sham }) => sham).length;
  const missed = `; ${rounds.length - seen.length} unseen in ${UNSEEN_MS} ms; seen where there was none ${shams}`;
  const took = percentiles(
    "parameters posted → first changed picture",
    rounds.map(({ posted, changed }) => (changed ? changed.at - posted : UNSEEN_MS)),
  );
  return [
    ...took.map((row) =>
      row.case.endsWith("p95") ? { ...row, aim: AIM_MS.change, note: row.note + missed } : row,
    ),
    {
      case: "of a change: posted → that picture's bytes come",
      unit: "ms",
      samples: seen.map(({ posted, changed }) => came(changed) - posted),
      note: "a morph begins at nothing and takes a second",
    },
    {
      case: "of a change: bytes → picture",
      unit: "ms",
      samples: seen.map(({ changed }) => changed.at - came(changed)),
    },
    {
      case: "behind live p95",
      unit: "s",
      samples: [quantile(behind, 0.95)],
      aim: { on: "value", sign: "≤", bound: 0.15 },
      note: `from a fragment's arrival at a second reader to its picture; ${behind.length} of ${pictures.length} pictures, median ${quantile(behind, 0.5).toFixed(2)}`,
    },
    {
      case: "control: pictures shown while prompts changed",
      unit: "fps",
      samples: [pictures.length / seconds],
    },
  ];
}
