/**
 * Finds the work that engines die of: suspects run alone in an engine of their own, and a second death there convicts them.
 * One that does well for a while is acquitted where it is: its engine is shared again.
 */
import type { ErrorKind, PlainError } from "../../errors.ts";
import { CALL_NAMES } from "./engine-process.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Work } from "./work.ts";
import type { Suspect, WorkDeath } from "./work-death.ts";

/** Deaths of engines that ran nothing else. */
const MAX_DEATHS_ALONE = 2;
/** Deaths further apart have nothing to do with each other. */
const MEMORY_MS = 10 * 60_000;
/** Each isolated piece of work costs a process and a copy of its model. More suspects stay where they are. */
const MAX_ISOLATED = 3;
/** A suspect whose engine lives this long is acquitted; twice as long after each time that it was suspected before. */
const ACQUITTED_AFTER_MS = 60_000;
/** An engine that dies this often with nothing in flight makes suspects of all its work. */
const MAX_UNEXPLAINED = 3;
const UNEXPLAINED_WINDOW_MS = 60_000;

export class Probation {
  readonly #isolated = new Map<Supervisor, Term>();
  readonly #timesSuspected = new WeakMap<Work, number>();
  /** When engines died that ran this work alone. */
  readonly #deathsAlone = new WeakMap<Work, number[]>();
  /** When a shared engine died and no call was in flight. */
  readonly #unexplained = new WeakMap<Supervisor, number[]>();

  /** True for an engine that is reserved for one suspect. */
  holds(supervisor: Supervisor): boolean {
    const term = this.#isolated.get(supervisor);
    if (term === undefined) return false;
    if (performance.now() - term.cleanSince < term.lengthMs) return true;
    this.release(supervisor);
    return false;
  }

  /** Reserves an engine for a suspect. */
  admit(supervisor: Supervisor, work: Work): void {
    const earlier = this.#timesSuspected.get(work) ?? 0;
    this.#timesSuspected.set(work, earlier + 1);
    const lengthMs = ACQUITTED_AFTER_MS * 2 ** earlier;
    this.#isolated.set(supervisor, { cleanSince: performance.now(), lengthMs });
  }

  release(supervisor: Supervisor): void {
    this.#isolated.delete(supervisor);
  }

  /** A reserved engine died: its term begins anew. */
  restart(supervisor: Supervisor): void {
    const term = this.#isolated.get(supervisor);
    if (term !== undefined) term.cleanSince = performance.now();
  }

  /** The work to isolate after a shared engine died, with what it was doing; the most suspicious first. */
  suspects(
    supervisor: Supervisor,
    { why, suspects, wasReady }: WorkDeath,
  ): { readonly work: Work; readonly why: string }[] {
    if (this.holds(supervisor) || !wasReady) return [];
    if (suspects.length > 0)
      return suspects
        .slice(0, this.#room())
        .map(({ work, calls }) => ({ work, why: reasonOf(why, calls) }));
    const deaths = recent(this.#unexplained.get(supervisor), UNEXPLAINED_WINDOW_MS);
    this.#unexplained.set(supervisor, deaths);
    if (deaths.length < MAX_UNEXPLAINED) return [];
    return supervisor.placements.works.slice(0, this.#room()).map((work) => ({ work, why }));
  }

  /** Places for suspects, at least one: where all are taken, the suspect that has done well for longest is acquitted. */
  #room(): number {
    const held = [...this.#isolated.keys()].filter((one) => this.holds(one));
    if (held.length < MAX_ISOLATED) return MAX_ISOLATED - held.length;
    const cleanSince = (one: Supervisor) => this.#isolated.get(one)?.cleanSince ?? 0;
    const [best] = held.toSorted((a, b) => cleanSince(a) - cleanSince(b));
    if (best !== undefined) this.release(best);
    return 1;
  }

  /** The work to end after a reserved engine died. */
  convicted(
    supervisor: Supervisor,
    { why, suspects: [suspect], wasReady, isBlameless }: WorkDeath,
  ): { readonly work: Work; readonly error: PlainError }[] {
    if (!this.holds(supervisor) || !wasReady || isBlameless) return [];
    return supervisor.placements.works.flatMap((work) => {
      const deaths = recent(this.#deathsAlone.get(work), MEMORY_MS);
      this.#deathsAlone.set(work, deaths);
      if (deaths.length < MAX_DEATHS_ALONE) return [];
      const message = `its engine died ${deaths.length} times while it ran alone: ${reasonOf(why, suspect?.calls)}`;
      return { work, error: { kind: kindOf(suspect?.calls), message } };
    });
  }
}

/** For how long an engine is reserved. */
interface Term {
  /** `performance.now()` of the engine's last death. */
  cleanSince: number;
  readonly lengthMs: number;
}

/** Earlier times within the window, and now. */
function recent(earlier: readonly number[] = [], windowMs: number): number[] {
  const now = performance.now();
  return [...earlier.filter((at) => now - at < windowMs), now];
}

/** A missed deadline names its call already. */
function reasonOf(why: string, calls: Suspect["calls"] = []): string {
  const doing = [...new Set(calls.map(({ kind }) => CALL_NAMES[kind]))];
  return doing.length === 0 || doing.some((name) => why.startsWith(name))
    ? why
    : `${why} while ${doing.join(" or ")}`;
}

/** The kind of what the work may be blamed for: its input, its model, or nothing in particular. */
function kindOf(calls: Suspect["calls"] = []): ErrorKind {
  const kinds = new Set(calls.map(({ kind }) => kind));
  if (kinds.has("run") || kinds.has("load")) return "model_failed";
  if (kinds.has("decode") || kinds.has("demux")) return "unsupported_media";
  return "engine_unavailable";
}
