/** Plays a clip through the product and through pytrickle in turn, over the trickle server of the product, and compares the runs. */
import type { Clip } from "./clip.ts";
import { findReference, PYTRICKLE } from "./python-references.ts";
import type { Measurement } from "./report.ts";
import { productWorker, startPytrickle, type VideoWorker } from "./video-worker.ts";
import { playThrough, type WorkerRun, type WorkerRunOptions } from "./worker-run.ts";

/** Runs of both, in the order in which they were made. */
export interface Sides {
  readonly ours: readonly WorkerRun[];
  /** Empty without pytrickle. */
  readonly theirs: readonly WorkerRun[];
  /** Why there are none of pytrickle; empty if there are. */
  readonly why: string;
}

export interface SidesOptions extends Pick<WorkerRunOptions, "server" | "pace"> {
  readonly clip: Clip;
  readonly rounds: number;
  readonly log: (text: string) => void;
}

/** A B A B …; without pytrickle the product alone. */
export async function playInTurn({ clip, rounds, log, ...options }: SidesOptions): Promise<Sides> {
  const found = findReference(PYTRICKLE);
  await using peer = found.kind === "installed" ? await startPytrickle(found) : null;
  const sides = { ours: [] as WorkerRun[], theirs: [] as WorkerRun[] };
  const run = async (worker: VideoWorker, side: keyof typeof sides, round: number) => {
    const name = `${side}-${clip.width}-${round}`;
    sides[side].push(await playThrough(worker, clip, { ...options, name }));
  };
  for (let round = 1; round <= rounds; round++) {
    log(`beside pytrickle, round ${round} of ${rounds}`);
    await run(productWorker(options.server), "ours", round);
    if (peer) await run(peer, "theirs", round);
  }
  return { ...sides, why: found.kind === "installed" ? "" : found.why };
}

/** What a row reads off a run, and the rest of it. */
export interface RowOfBoth extends Omit<Measurement, "samples" | "reference"> {
  readonly of: (run: WorkerRun) => number;
}

/** A row of the product with pytrickle as its reference. */
export function rowOfBoth({ ours, theirs, why }: Sides, { of, ...row }: RowOfBoth): Measurement {
  const notes = [row.note ?? "", why].filter((text) => text !== "");
  return {
    ...row,
    samples: ours.map(of),
    reference: { name: `pytrickle ${PYTRICKLE.version}`, samples: theirs.map(of) },
    ...(notes.length > 0 ? { note: notes.join("; ") } : {}),
  };
}
