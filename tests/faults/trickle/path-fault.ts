/** Makes faults of the matrix out of the ways in which one path to a trickle server misbehaves. */
import type { FaultyTrickle, TrickleFault } from "../peer/faulty-trickle.ts";
import type { Fault } from "../rig/fault.ts";

export type PathName = Exclude<keyof FaultyTrickle, symbol>;

/** One way to misbehave, and what the worker promises; see `Fault` for the fields. */
export interface PathFault extends Pick<Fault, "resumeWithinMs"> {
  readonly name: string;
  /** `cut`: all open connections are reset, once. */
  readonly fault: TrickleFault | "cut";
  /** Default `none`. */
  readonly end?: Fault["end"];
  /**
   * The error that a stream ends with if it starts meanwhile: the channel does not accept it, and a gateway turns to another
   * worker. Absent: it starts.
   */
  readonly endsStart?: string;
}

/** Longer than a blink, shorter than what ends a stream. */
const LASTS_MS = 3000;

/** One fault, or two where a start ends otherwise than a stream that runs. */
export function faultsOf(path: PathName, { endsStart, ...kind }: PathFault): readonly Fault[] {
  const fault = faultOf(path, kind);
  if (endsStart === undefined) return [fault];
  const atStart = { ...kind, end: endsStart, resumeWithinMs: null };
  return [
    { ...fault, phases: ["running", "stopping"] },
    { ...faultOf(path, { ...atStart, name: `${kind.name}, at the start` }), phases: ["starting"] },
  ];
}

function faultOf(path: PathName, { name, fault, resumeWithinMs, end = "none" }: PathFault): Fault {
  return {
    ...{ name: `${path}: ${name}`, family: "trickle", resumeWithinMs, end },
    neighboursMayPause: false,
    lastsMs: fault === "cut" ? 0 : LASTS_MS,
    inject: async ({ trickle }) => {
      const { [path]: way } = trickle;
      if (fault === "cut") {
        way.cutOpen();
        return async () => {};
      }
      await way.set(fault);
      return () => way.clear();
    },
  };
}
