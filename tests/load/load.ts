/** Declares what a load is: something that asks much of the server, what is promised meanwhile, and what was seen. */
import { type Held, Scene, type SceneOptions, type Seen } from "./scene.ts";

/** One thing that was promised, and whether it held. */
export interface Promised {
  readonly what: string;
  /** The figures. */
  readonly saw: string;
  readonly holds: boolean;
}

export interface Load {
  /** A heading of the table, and what `--load` selects by. */
  readonly name: string;
  /** What is done, in a sentence. */
  readonly did: string;
  /** Of the server. */
  readonly scene?: SceneOptions;
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
  /** Before and after. */
  readonly quiet: readonly [Seen, Seen];
  readonly loaded: Seen;
}

/** Seconds in which the streams are watched before, and after, to know how they do on this machine by themselves. */
const QUIET_SECONDS = 6;
/** Frames that may be lost beyond the share that was lost before. */
const LOST_SHARE = 0.02;
/** Latency that may be added by two cores being busy. */
const LATENCY_NOISE_MS = 150;
/** Memory that may stay: heaps do not shrink at once. */
const MEMORY_NOISE_MIB = 64;

/**
 * Runs a load, again where a promise was broken: on a machine that does other things frames are late now and then, and what
 * the load does comes again.
 */
export async function runLoad(load: Load, attempts: number): Promise<LoadResult> {
  for (let attempt = 1; ; attempt++) {
    const result = await runOnce(load, attempt);
    if (attempt >= attempts || isSound(result)) return result;
  }
}

export const isSound = ({ promises }: LoadResult): boolean => promises.every(({ holds }) => holds);

async function runOnce(load: Load, attempt: number): Promise<LoadResult> {
  await using scene = await Scene.start(load.scene);
  const quietBefore = await scene.quiet(QUIET_SECONDS);
  const before = await scene.held();
  let promises: readonly Promised[] = [];
  const loaded = await scene.watch(async () => {
    promises = await load.run(scene);
  });
  const after = (await load.after?.(scene, before)) ?? [];
  const quiet = [quietBefore, await scene.quiet(QUIET_SECONDS)] as const;
  const media = mediaPromises(quiet, loaded);
  return { load, attempt, promises: [...promises, ...media, ...after], quiet, loaded };
}

function mediaPromises(quiet: LoadResult["quiet"], loaded: Seen): readonly Promised[] {
  const lost = ({ drawn, filmed }: Seen) =>
    (drawn.lost + filmed.lost) / Math.max(1, drawn.frames + filmed.frames);
  const lostOf = ({ drawn, filmed }: Seen) =>
    `${drawn.lost} of ${drawn.frames} and ${filmed.lost} of ${filmed.frames}`;
  const around = (of: (seen: Seen) => number) => Math.max(...quiet.map(of));
  const p99 = around(({ filmed }) => filmed.p99);
  const [before, after] = quiet;
  return [
    {
      what: "no frame lost beyond those of the quiet times before and after",
      saw: `lost ${lostOf(loaded)}; before ${lostOf(before)}, after ${lostOf(after)}`,
      holds: lost(loaded) <= around(lost) + LOST_SHARE,
    },
    {
      what: "latency p99 within noise of the quiet times",
      saw: `${ms(loaded.filmed.p99)}; before ${ms(before.filmed.p99)}, after ${ms(after.filmed.p99)}`,
      holds: loaded.filmed.p99 <= Math.max(2 * p99, p99 + LATENCY_NOISE_MS),
    },
    {
      what: "`/health` answers within a second",
      saw: `p99 ${ms(loaded.healthP99)}; before ${ms(before.healthP99)}, after ${ms(after.healthP99)}`,
      holds: loaded.healthP99 <= 1000,
    },
  ];
}

/** Polls until memory and sockets are about where they were, and says how long that took. */
export async function backToBefore(
  scene: Scene,
  before: Held,
  options: { readonly withinMs: number; readonly sockets?: number; readonly memory?: number },
): Promise<readonly Promised[]> {
  const { withinMs, sockets = 16, memory = MEMORY_NOISE_MIB } = options;
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
      saw: `server ${mib(before.server)} → ${mib(now.server)}, engine ${mib(before.engine)} → ${mib(now.engine)} ${took}`,
      holds: now.server <= before.server + memory && now.engine <= before.engine + memory,
    },
    {
      what: "sockets are freed",
      saw: `${before.sockets} → ${now.sockets} ${took}`,
      holds: now.sockets <= before.sockets + sockets,
    },
  ];
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (value: number): string => `${value.toFixed(0)} MiB`;
