/** Declares what a load is: what it asks of the server, what is promised meanwhile, and what was measured. */
import { reason } from "../../src/errors.ts";
import { MAX_CROWDING } from "../support/crowding.ts";
import { type Held, Scene, type SceneOptions, type Seen } from "./scene.ts";

/** One thing that was promised, and whether it held. */
export interface Promised {
  readonly what: string;
  /** The figures. */
  readonly measured: string;
  readonly holds: boolean;
}

export interface Load {
  /** A heading of the table, and what `--load` selects by. */
  readonly name: string;
  /** What is done, in a sentence. */
  readonly description: string;
  /** Of the server. */
  readonly scene?: SceneOptions;
  /** Makes the processes keep what they keep on purpose, such as memory for pictures of that size, before anything is measured. */
  warmUp?(scene: Scene): Promise<unknown>;
  /** Does it while the streams are watched; returns what was promised of itself. */
  run(scene: Scene): Promise<readonly Promised[]>;
  /** What must hold some time after, e.g. that sockets are freed. */
  after?(scene: Scene, before: Held): Promise<readonly Promised[]>;
}

export interface LoadResult {
  readonly load: Load;
  /** Which attempt this is, from 1 on. */
  readonly attempt: number;
  readonly promises: readonly Promised[];
  /** Null if the load could not be run. */
  readonly media: Media | null;
  readonly verdict: "kept" | "broken" | "not judged";
}

export interface Media {
  /** Before and after. */
  readonly quiet: readonly [Seen, Seen];
  readonly loaded: Seen;
}

/** Seconds in which the streams are watched before, and after, to know how they do on this machine by themselves. */
const QUIET_SECONDS = 6;
/** Share of the frames that may be lost beyond the quiet times: one in 200 is the noise of a few hundred frames. */
const LOST_SHARE = 0.005;
/** Latency that may be added by all cores being busy with the load. */
const LATENCY_NOISE_MS = 150;
/** Memory that may stay: heaps do not shrink at once. */
const MEMORY_NOISE_MIB = 64;

/** Runs a load, again where it could not be judged, as the machine was busy with other things. A broken promise stands. */
export async function runLoad(load: Load, attempts: number): Promise<LoadResult> {
  for (let attempt = 1; ; attempt++) {
    const result = await runOnce(load, attempt).catch((error: unknown): LoadResult => {
      const promises = [{ what: "the load can be run", measured: reason(error), holds: false }];
      return { load, attempt, promises, media: null, verdict: "broken" };
    });
    if (attempt >= attempts || result.verdict !== "not judged") return result;
  }
}

/** By what the machine did in the quiet times: what the load itself makes it do is the load. */
export function judged(
  promises: readonly Promised[],
  quiet: Media["quiet"],
): LoadResult["verdict"] {
  if (quiet.some(({ crowding }) => crowding > MAX_CROWDING)) return "not judged";
  return promises.every(({ holds }) => holds) ? "kept" : "broken";
}

async function runOnce(load: Load, attempt: number): Promise<LoadResult> {
  await using scene = await Scene.start(load.scene);
  await load.warmUp?.(scene);
  const quietBefore = await scene.quiet(QUIET_SECONDS);
  const before = await scene.held();
  let promises: readonly Promised[] = [];
  const loaded = await scene.watch(async () => {
    promises = await load.run(scene);
  });
  const after = (await load.after?.(scene, before)) ?? [];
  const quiet = [quietBefore, await scene.quiet(QUIET_SECONDS)] as const;
  const all = [...promises, ...mediaPromises(quiet, loaded), ...after];
  return { load, attempt, promises: all, media: { quiet, loaded }, verdict: judged(all, quiet) };
}

/** What the two streams are promised whatever else is asked of the server. */
export function mediaPromises(quiet: Media["quiet"], loaded: Seen): readonly Promised[] {
  const lost = ({ drawn, filmed }: Seen) =>
    (drawn.lost + filmed.lost) / Math.max(1, drawn.frames + filmed.frames);
  const lostOf = ({ drawn, filmed }: Seen) =>
    `${drawn.lost} of ${drawn.frames} and ${filmed.lost} of ${filmed.frames}`;
  const around = (of: (seen: Seen) => number) => Math.max(...quiet.map(of));
  const p99 = around(({ filmed }) => filmed.p99);
  const [before, after] = quiet;
  return [
    {
      what: `at most ${LOST_SHARE * 100} % more of the frames lost than in the quiet times before and after`,
      measured: `lost ${lostOf(loaded)}; before ${lostOf(before)}, after ${lostOf(after)}`,
      holds: lost(loaded) <= around(lost) + LOST_SHARE,
    },
    {
      what: `latency p99 at most ${LATENCY_NOISE_MS} ms above that of the quiet times`,
      measured: `${ms(loaded.filmed.p99)}; before ${ms(before.filmed.p99)}, after ${ms(after.filmed.p99)}`,
      holds: loaded.filmed.p99 <= p99 + LATENCY_NOISE_MS,
    },
    {
      what: "`/health` answers within a second",
      measured: `p99 ${ms(loaded.healthP99)}; before ${ms(before.healthP99)}, after ${ms(after.healthP99)}`,
      holds: loaded.healthP99 <= 1000,
    },
  ];
}

/** Polls until memory and sockets are about where they were, and says how long that took. */
export async function backToBefore(
  scene: Scene,
  before: Held,
  options: { readonly withinMs: number; readonly sockets?: number },
): Promise<readonly Promised[]> {
  const { withinMs, sockets = 16 } = options;
  const memory = MEMORY_NOISE_MIB;
  const begun = performance.now();
  let now = await scene.held();
  const isBack = () =>
    now.server <= before.server + memory &&
    now.engine <= before.engine + memory &&
    now.sockets <= before.sockets + sockets;
  while (!isBack() && performance.now() - begun < withinMs) {
    await Bun.sleep(500);
    now = await scene.held();
  }
  const took = `after ${((performance.now() - begun) / 1000).toFixed(0)} s`;
  return [
    {
      what: `memory is back within ${memory} MiB of where it was`,
      measured: `server ${mib(before.server)} → ${mib(now.server)}, engine ${mib(before.engine)} → ${mib(now.engine)} ${took}`,
      holds: now.server <= before.server + memory && now.engine <= before.engine + memory,
    },
    {
      what: `at most ${sockets} sockets more are open than before`,
      measured: `${before.sockets} → ${now.sockets} ${took}`,
      holds: now.sockets <= before.sockets + sockets,
    },
  ];
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (value: number): string => `${value.toFixed(0)} MiB`;
