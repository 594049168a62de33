/** Runs two healthy streams beside a victim, one generated and one with input, on the worker's own trickle server. */
import { FrameWatch } from "../../support/frame-watch.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "./worker.ts";

const FPS = 15;
const SIZE = { width: 128, height: 128 };

interface Neighbour {
  readonly id: string;
  readonly output: FrameWatch;
}

export class Neighbours {
  readonly #worker: Worker;
  readonly #both: readonly Neighbour[];

  /** `input` is a channel with live video. Resolves when both have output. */
  static async start(worker: Worker, input: string): Promise<Neighbours> {
    const begin = async (name: string, body: object): Promise<Neighbour> => {
      const stream_url = worker.channel(name);
      const id = await worker.api.start({ stream_url, ...SIZE, ...body });
      return { id, output: new FrameWatch(stream_url, FPS) };
    };
    const both = await Promise.all([
      begin("drawn", { model: "test-card", fps: FPS }),
      begin("filmed", { model: "identity", input_url: input }),
    ]);
    const flow = () => both.every(({ output }) => output.frames > FPS);
    await waitFor("output of the neighbours", flow, 20_000);
    return new Neighbours(worker, both);
  }

  private constructor(worker: Worker, both: readonly Neighbour[]) {
    this.#worker = worker;
    this.#both = both;
  }

  /** Measures from now on. */
  reset(): void {
    for (const { output } of this.#both) output.reset();
  }

  /** The pauses of each that count as gaps, in ms, and the frames that are missing in their output. */
  measure(): { readonly gaps: readonly (readonly number[])[]; readonly lost: number } {
    return {
      gaps: this.#both.map(({ output }) => output.gaps),
      lost: this.#both.reduce((sum, { output }) => sum + output.missing, 0),
    };
  }

  /** Ends both; resolves when they are over. */
  async stop(): Promise<void> {
    for (const { id, output } of this.#both) {
      await output[Symbol.asyncDispose]();
      await this.#worker.api.stop(id);
    }
    const isOver = async ({ id }: Neighbour) => {
      const { status } = await this.#worker.api.stream(id);
      return status === "stopped" || status === "error";
    };
    for (const each of this.#both) await waitFor("the end of a neighbour", () => isOver(each));
  }
}
