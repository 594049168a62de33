/** Holds what cases share: a worker, a trickle server for victims' channels, and an input for healthy streams beside them. */
import type { ReadMedia } from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { orchestratorTrickle } from "../../support/orchestrator-channels.ts";
import type { Counts } from "../../support/process-holdings.ts";
import type { TrickleHost } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { ClipFeed } from "../input/clip-feed.ts";
import { faultyTrickle } from "../peer/faulty-trickle.ts";
import { census, difference } from "./census.ts";
import type { Fault } from "./fault.ts";
import { Neighbours } from "./neighbours.ts";
import { VICTIM_FPS, Victim } from "./victim.ts";
import { Worker } from "./worker.ts";

/** What an engine's start has left is gone by then. */
const SECOND_LOOK_MS = 2000;

interface Parts {
  readonly worker: Worker;
  /** Has the victims' channels. */
  readonly host: TrickleHost;
  readonly media: ReadMedia;
  readonly neighboursInput: ClipFeed;
}

export class FaultBench implements AsyncDisposable {
  readonly worker: Worker;
  readonly #parts: Parts;
  readonly #stack: AsyncDisposableStack;
  #victims = 0;
  /** The engines that have run all that cases run. */
  #warm = "";
  /** The models of victims that they have loaded, which stay loaded. */
  readonly #models = new Set<unknown>();

  /** `flags` are more settings of the server. */
  static async open(flags: readonly string[] = []): Promise<FaultBench> {
    await using stack = new AsyncDisposableStack();
    const fixed = ["--max-streams", "16", "--allow-hosts", "127.0.0.1"];
    const worker = stack.use(await Worker.start({ flags: [...fixed, ...flags] }));
    const host = stack.use(orchestratorTrickle());
    const media = await synthetic({
      parts: [{ width: 128, height: 128, frames: 2 * VICTIM_FPS }],
      fps: VICTIM_FPS,
      gop: VICTIM_FPS,
      audio: { codec: "aac" },
      start: 90_000,
    });
    // At the worker's own server its connections would come and go in the censuses.
    const url = host.url("camera");
    const neighboursInput = stack.use(await ClipFeed.open({ url, container: "mpegts", media }));
    return new FaultBench({ worker, host, media, neighboursInput }, stack.move());
  }

  private constructor(parts: Parts, stack: AsyncDisposableStack) {
    this.worker = parts.worker;
    this.#parts = parts;
    this.#stack = stack;
  }

  /** The channels and the input of a new victim. */
  async victim(fault: Fault): Promise<Victim> {
    const { worker, host, media } = this.#parts;
    const trickle = await faultyTrickle({ target: `http://127.0.0.1:${host.port}` });
    const id = `victim-${++this.#victims}`;
    return await Victim.prepare({ id, fault, worker, trickle, host, media });
  }

  async neighbours(): Promise<Neighbours> {
    return await Neighbours.start(this.worker, this.#parts.neighboursInput.url);
  }

  /** What the worker holds while no stream runs, by engines that have run all kinds of them, and a victim of this fault's model. */
  async baseline(fault: Fault): Promise<Counts> {
    await this.worker.ready();
    const engines = JSON.stringify((await this.worker.engines()).map(({ pid }) => pid));
    if (engines !== this.#warm) {
      await this.#warmUp();
      this.#models.clear();
    }
    this.#warm = engines;
    const model = fault.params?.["model"];
    if (model !== undefined && !this.#models.has(model)) await this.#warmUpBy(fault);
    this.#models.add(model);
    return await census(this.worker);
  }

  /** What leaked: what there was more of than in the baseline in every census until the deadline, and in two at least. */
  async leaks(before: Counts, deadline: number): Promise<readonly string[]> {
    let leaks = difference(before, await census(this.worker));
    // The first one may have had to wait for an engine.
    const end = Math.max(deadline, performance.now() + SECOND_LOOK_MS);
    while (leaks.length > 0 && performance.now() < end) {
      await Bun.sleep(200);
      const now = new Set(difference(before, await census(this.worker)).map(nameOf));
      leaks = leaks.filter((leak) => now.has(nameOf(leak)));
    }
    return leaks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** Without it, what an engine keeps from its first streams would count as leaked by a case. */
  async #warmUp(): Promise<void> {
    const neighbours = await this.neighbours();
    await Promise.all([this.#warmUpBy(HARMLESS), this.#warmUpBy({ ...HARMLESS, victim: "seed" })]);
    await neighbours.stop();
  }

  /** Runs a victim of the fault, which does not strike. */
  async #warmUpBy(fault: Fault): Promise<void> {
    await using victim = await this.victim(fault);
    const { status, code } = await victim.start();
    if (status !== 200) throw new Error(`a victim cannot start: ${status} ${code}`);
    await victim.flows();
    await victim.stop();
    await waitFor("the end of a victim", async () => (await victim.ending()).isOver);
  }
}

/** Strikes nothing. */
export const HARMLESS: Fault = {
  name: "none",
  family: "trickle",
  lastsMs: 0,
  resumeWithinMs: 1000,
  end: "none",
  neighboursMayPause: false,
  inject: async () => async () => {},
};

const nameOf = (leak: string): string => leak.slice(0, leak.lastIndexOf(": "));
