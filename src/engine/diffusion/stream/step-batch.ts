/** Denoises successive frames together: each run of the network takes all frames in flight, each at a step of its own. */
import type { Evaluate, Evaluation } from "../sampler/prompt-guidance.ts";

/** Begins the sampler's run for a frame. Must do the same each time that it is called. */
export type SamplerRun = (evaluate: Evaluate) => Promise<Float32Array>;

/**
 * The stream batch of StreamDiffusion (Kodaira et al. 2023). A sampler's run of n evaluations takes n calls of `next`:
 * each call begins the run of a new frame, evaluates the network once for all frames in flight, and gives the latent of
 * the oldest one, which is n − 1 frames old. At the beginning there are none: the first frame is sampled alone, and
 * stands for the frames that would have come before it, so that its latent is given at once and n − 1 times more.
 *
 * The samplers know nothing of it: they wait for an evaluation until the next call. An error of the network ends all runs
 * in flight; the batch then begins anew.
 */
export class StepBatch {
  /** The oldest first. */
  #flights: Flight[] = [];

  /** Frames between the newest one and the one whose latent is given. */
  get latency(): number {
    return this.#flights.length;
  }

  /** Forgets the frames in flight: the next one is the first again. */
  reset(): void {
    this.#flights = [];
  }

  /** Takes a frame and gives the latent of the oldest one in flight. */
  async next(run: SamplerRun, evaluate: Evaluate): Promise<Float32Array> {
    if (this.#flights.length === 0) return await this.#fill(run, evaluate);
    try {
      this.#flights.push(new Flight(run));
      const [oldest] = this.#flights as [Flight];
      do await advance(this.#flights, evaluate);
      while (!oldest.isDone);
      this.#flights.shift();
      return oldest.latent;
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  /** Samples the frame alone, and puts copies of its run into flight, one at each step. */
  async #fill(run: SamplerRun, evaluate: Evaluate): Promise<Float32Array> {
    const answers: (readonly Float32Array[])[] = [];
    const latent = await run(async (evaluations) => {
      const answer = await evaluate(evaluations);
      answers.push(answer);
      return answer;
    });
    for (let known = answers.length - 1; known > 0; known--) {
      this.#flights.push(new Flight(run, answers.slice(0, known)));
    }
    await Promise.all(this.#flights.map((flight) => flight.paused));
    return latent;
  }
}

/** Evaluates the network once for all runs that wait for it, and lets them go on until they wait again or are done. */
async function advance(flights: readonly Flight[], evaluate: Evaluate): Promise<void> {
  await Promise.all(flights.map((flight) => flight.paused));
  const waiting = flights.filter(({ isDone }) => !isDone);
  const outputs = await evaluate(waiting.flatMap(({ evaluations }) => evaluations));
  let at = 0;
  for (const flight of waiting) {
    const count = flight.evaluations.length;
    flight.answer(outputs.slice(at, at + count));
    at += count;
  }
  await Promise.all(waiting.map((flight) => flight.paused));
}

/** The run of one frame, which stands still between two evaluations. */
class Flight {
  /** Resolves when the run waits for an evaluation or is done; rejects when it has failed. */
  paused: Promise<void>;
  #resume: PromiseWithResolvers<void>;
  #asked: {
    readonly evaluations: readonly Evaluation[];
    readonly answer: (outputs: readonly Float32Array[]) => void;
  } | null = null;
  #latent: Float32Array | null = null;

  /** `known`: answers to its first evaluations. */
  constructor(run: SamplerRun, known: readonly (readonly Float32Array[])[] = []) {
    this.#resume = Promise.withResolvers();
    this.paused = this.#resume.promise;
    const answers = known.values();
    const evaluate: Evaluate = async (evaluations) => {
      const { value: answer } = answers.next();
      if (answer !== undefined) return answer;
      const { promise, resolve } = Promise.withResolvers<readonly Float32Array[]>();
      this.#asked = { evaluations, answer: resolve };
      this.#resume.resolve();
      return await promise;
    };
    run(evaluate).then(
      (latent) => {
        this.#latent = latent;
        this.#resume.resolve();
      },
      (error) => this.#resume.reject(error),
    );
  }

  get isDone(): boolean {
    return this.#latent !== null;
  }

  /** Of a run that is done. */
  get latent(): Float32Array {
    if (this.#latent === null) throw new Error("the run is not done");
    return this.#latent;
  }

  /** What the run waits for. */
  get evaluations(): readonly Evaluation[] {
    return this.#asked?.evaluations ?? [];
  }

  answer(outputs: readonly Float32Array[]): void {
    const asked = this.#asked;
    this.#asked = null;
    this.#resume = Promise.withResolvers();
    this.paused = this.#resume.promise;
    asked?.answer(outputs);
  }
}
