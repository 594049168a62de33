/** Runs cases in a process of their own, so that one that ends the process is a finding and not the end of the run. */
import type { Subprocess } from "bun";

/** A child that has not exited by then hangs in a case. */
const EXIT_MS = 5000;

/** A message of a child: it is up, or what became of a case. */
export type ChildMessage =
  | { readonly type: "up" }
  | { readonly type: "done"; readonly error: string | null };

/** Starts the process again after it died. One case at a time. */
export class FuzzChild implements AsyncDisposable {
  readonly #script: string;
  #child: Subprocess<"ignore", "ignore", "ignore"> | null = null;
  #answer = Promise.withResolvers<ChildMessage>();

  /** `script`: a module that calls `serveCases`. */
  constructor(script: string) {
    this.#script = script;
  }

  /** Throws what the case threw there, or how the process died of it. */
  async run(input: unknown): Promise<void> {
    const child = this.#child ?? (await this.#start());
    this.#answer = Promise.withResolvers();
    child.send(input);
    const answer = await this.#answer.promise;
    if (answer.type === "done" && answer.error !== null) throw new Error(answer.error);
  }

  async start(): Promise<number> {
    return (this.#child ?? (await this.#start())).pid;
  }

  async #start(): Promise<Subprocess<"ignore", "ignore", "ignore">> {
    this.#answer = Promise.withResolvers();
    const child = Bun.spawn([process.execPath, this.#script], {
      stdio: ["ignore", "ignore", "ignore"],
      serialization: "advanced",
      ipc: (message: ChildMessage) => this.#answer.resolve(message),
      onExit: (_, code, signal) => {
        if (this.#child === child) this.#child = null;
        this.#answer.reject(new Error(`the process died: ${signal ?? `exit code ${code}`}`));
      },
    });
    await this.#answer.promise;
    this.#child = child;
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    this.#answer.promise.catch(() => {}); // it is ended on purpose
    child.disconnect(); // it exits by itself, and removes its temporary files
    const timer = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
    await child.exited;
    clearTimeout(timer);
  }
}

/** The child's side: runs each case that comes and reports what it throws. */
export function serveCases<Input>(check: (input: Input) => Promise<void>): void {
  const say = (message: ChildMessage) => process.send?.(message);
  process.on("disconnect", () => process.exit(0));
  process.on("message", (input: Input) => {
    check(input).then(
      () => say({ type: "done", error: null }),
      (error) => say({ type: "done", error: error instanceof Error ? error.message : `${error}` }),
    );
  });
  say({ type: "up" });
}
