/** Faults of engines: one dies, stops, or does not answer any more. */
import { waitFor } from "../../support/wait-for.ts";
import type { Fault, FaultSite } from "../rig/fault.ts";
import { type Order, order, taken } from "./orders.ts";

/** Time for the next engine: its start, the model, a first segment. */
export const RESUMES_MS = 2000;
/** After three seconds without an answer an engine is killed; the server looks four times a second, and a busy machine looks late. */
const SILENCE_MS = 4000;
/** Time that an engine has for its start, and the server until it looks. */
const BOOT_MS = 7000;

const nothing = async (): Promise<void> => {};

/** A single blow to an engine, which its streams survive. */
export const BLOW = {
  family: "process",
  lastsMs: 0,
  end: "none",
  neighboursMayPause: true,
} as const;

const signalled = (name: string, signal: NodeJS.Signals, resumeWithinMs: number): Fault => ({
  ...BLOW,
  name,
  resumeWithinMs,
  inject: async (site) => {
    process.kill(await enginePid(site), signal);
    return nothing;
  },
});

const ordered = (name: string, what: Order, resumeWithinMs: number): Fault => ({
  ...BLOW,
  name,
  resumeWithinMs,
  inject: async ({ worker }) => {
    await order(worker, what);
    await taken(worker, what);
    return nothing;
  },
});

/** The engine dies, and the one that takes its place does what the order says. */
const atBoot = (name: string, what: Order, resumeWithinMs: number): Fault => ({
  ...BLOW,
  name,
  resumeWithinMs,
  inject: async (site) => {
    await order(site.worker, what);
    process.kill(await enginePid(site), "SIGKILL");
    await taken(site.worker, what);
    return nothing;
  },
});

export const ENGINE_FAULTS: readonly Fault[] = [
  signalled("engine: SIGKILL", "SIGKILL", RESUMES_MS),
  signalled("engine: SIGSEGV", "SIGSEGV", RESUMES_MS),
  signalled("engine: SIGABRT", "SIGABRT", RESUMES_MS),
  signalled("engine: stopped for good", "SIGSTOP", SILENCE_MS + RESUMES_MS),
  {
    ...BLOW,
    name: "engine: stopped for a second",
    lastsMs: 1000,
    resumeWithinMs: 1000,
    inject: async (site) => {
      const pid = await enginePid(site);
      process.kill(pid, "SIGSTOP");
      return async () => void process.kill(pid, "SIGCONT");
    },
  },
  ordered("engine: spins in JavaScript", "spin", SILENCE_MS + RESUMES_MS),
  ordered("engine: channel to the server cut", "disconnect", RESUMES_MS),
  {
    ...BLOW,
    name: "engine: two deaths in a row",
    resumeWithinMs: 2 * RESUMES_MS,
    inject: async (site) => {
      const first = await enginePid(site);
      process.kill(first, "SIGKILL");
      let second = 0;
      await waitFor("the next engine", async () => {
        second = await readyPid(site);
        return second > 0 && second !== first;
      });
      process.kill(second, "SIGKILL");
      return nothing;
    },
  },
  atBoot("engine: dies, and the next one while it boots", "die-at-boot", 2 * RESUMES_MS),
  atBoot("engine: dies, and the next one hangs at boot", "hang-at-boot", BOOT_MS + RESUMES_MS),
];

/** Of the engine that the victim runs in. */
export const enginePid = ({ worker, stream }: FaultSite): Promise<number> =>
  worker.enginePid(stream?.id);

/** Zero while no engine is ready. */
async function readyPid({ worker }: FaultSite): Promise<number> {
  const engines = await worker.engines();
  return engines.find(({ state }) => state === "ready")?.pid ?? 0;
}
