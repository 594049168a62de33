/** Judges a case: which of the worker's promises it broke. */
import { MAX_CROWDING } from "../../support/crowding.ts";
import { GAP_MS } from "../../support/pauses.ts";
import type { Outcome } from "./case.ts";
import type { Fault } from "./fault.ts";

/** A stream's first output may take that much longer than output that resumes. */
const START_MS = 2000;
/** Time of an answer to a start or a stop. */
const ANSWER_MS = 5000;
/** Longest pause of a neighbour, beyond the time that the fault lasts, where the fault says nothing shorter. */
const NEIGHBOUR_MS = 2000;

/** The broken bounds in words; empty if all held. Times may grow as the machine is crowded, up to `MAX_CROWDING`. */
export function broken(fault: Fault, outcome: Outcome): readonly string[] {
  const over = (what: string, ms: number, bound: number) =>
    ms > bound * roomOf(outcome) ? [`${what} ${ms} ms, allowed ${bound} ms`] : [];
  return [
    ...answerOf(fault, outcome),
    ...over("the answer took", outcome.answer.ms, ANSWER_MS),
    ...endOf(fault, outcome),
    ...outputOf(fault, outcome, over),
    ...neighboursOf(fault, outcome, over),
    ...obeyedOf(fault, outcome, over),
    ...(outcome.stopMs === null ? ["the stream did not end after its stop"] : []),
    ...over("the end took", outcome.stopMs ?? 0, ANSWER_MS),
    ...outcome.leaks.map((leak) => `leak: ${leak}`),
  ];
}

const roomOf = ({ crowding }: Outcome): number => Math.min(crowding, MAX_CROWDING);

type Over = (what: string, ms: number, bound: number) => readonly string[];

/** A fault that a start meets may have it refused; nothing else may. */
function answerOf({ refusedStart }: Fault, { phase, answer }: Outcome): readonly string[] {
  if (answer.status === 200) return [];
  const got = answer.status === 0 ? "no answer" : `${answer.status} ${answer.code}`;
  if (phase === "starting" && answer.code !== null && answer.code === refusedStart) return [];
  return [`the client got ${got}`];
}

function endOf({ end, resumeWithinMs }: Fault, outcome: Outcome): readonly string[] {
  if (outcome.end === end) return [];
  if (outcome.end !== "none") return [`the stream ended: ${outcome.end}`];
  const mustEnd =
    resumeWithinMs === null && outcome.phase !== "stopping" && outcome.answer.status === 200;
  return mustEnd ? [`the stream did not end: ${end}`] : [];
}

function outputOf(fault: Fault, outcome: Outcome, over: Over): readonly string[] {
  const { phase, answer, pauseMs, end } = outcome;
  const isOver = answer.status !== 200 || end !== "none";
  if (phase === "stopping" || isOver || fault.resumeWithinMs === null) return [];
  if (pauseMs === null) return ["output did not come back"];
  const extra = phase === "starting" ? START_MS : 0;
  return over("output paused for", pauseMs, fault.resumeWithinMs + extra);
}

function obeyedOf(fault: Fault, { obeyedMs }: Outcome, over: Over): readonly string[] {
  if (obeyedMs === undefined || fault.obeysWithinMs === undefined) return [];
  if (obeyedMs === null) return ["a control message that came after it was lost"];
  return over("a control message took", obeyedMs, fault.obeysWithinMs);
}

function neighboursOf(
  { neighboursMayPause, lastsMs, resumeWithinMs }: Fault,
  outcome: Outcome,
  over: Over,
): readonly string[] {
  return outcome.gaps.flatMap((all, index) => {
    const name = `neighbour ${index + 1}`;
    if (!neighboursMayPause) return all.flatMap((gap) => over(`${name} paused for`, gap, GAP_MS));
    const noticed = all.filter((gap) => gap > GAP_MS * roomOf(outcome));
    const longest = Math.max(0, ...noticed);
    return [
      ...(noticed.length > 1 ? [`${name} paused ${noticed.length} times`] : []),
      ...over(`${name} paused for`, longest, lastsMs + (resumeWithinMs ?? NEIGHBOUR_MS)),
    ];
  });
}
