/** Runs livepeer-gateway's client or runner as a child process that a test commands. */
import { join } from "node:path";
import { installPythonPackages, type PythonPackages } from "../../support/python-packages.ts";

/** Python 3.12 is declared, 3.11 works. */
export const installGateway = (): PythonPackages =>
  installPythonPackages("livepeer-gateway-1.0.0", [
    ["--ignore-requires-python", "--requirement", join(import.meta.dir, "requirements.txt")],
  ]);

/** A line of the peer about what it saw. */
// biome-ignore lint/suspicious/noExplicitAny: tests access any member
export type Seen = Readonly<Record<string, any>>;

export class PythonPeer implements AsyncDisposable {
  /** What the peer has seen, in order; grows. */
  readonly seen: Seen[] = [];
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #pending = new Map<number, PromiseWithResolvers<Seen>>();
  #number = 0;
  #errors = "";

  constructor(packages: PythonPackages, role: "client" | "runner") {
    if (packages.kind !== "installed") throw new Error(packages.why);
    this.#child = Bun.spawn([packages.python, join(import.meta.dir, "peer.py"), role], {
      stdio: ["pipe", "pipe", "pipe"],
      env: packages.env,
    });
    void this.#read();
    void this.#readErrors();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Runs a command of the peer. Throws what the peer raised, with its status in the message. */
  async do(name: string, options: object = {}): Promise<Seen> {
    const number = ++this.#number;
    const answered = Promise.withResolvers<Seen>();
    this.#pending.set(number, answered);
    this.#child.stdin.write(`${JSON.stringify({ number, do: name, ...options })}\n`);
    void this.#child.stdin.flush();
    const { result, error, status } = await answered.promise;
    if (error !== undefined) throw new Error(`${name}: ${error} (status ${status})`);
    return result ?? {};
  }

  /** The lines that have this member, in order. */
  with(member: string): Seen[] {
    return this.seen.filter((one) => one[member] !== undefined);
  }

  async kill(): Promise<void> {
    process.kill(this.#child.pid, "SIGKILL");
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line));
    }
    for (const { reject } of this.#pending.values())
      reject(new Error(`the peer ended: ${this.#errors.slice(-2000)}`));
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream()))
      this.#errors += text;
  }

  #take(line: Seen): void {
    const { number } = line;
    const answered = this.#pending.get(number);
    if (answered === undefined) return void this.seen.push(line);
    this.#pending.delete(number);
    answered.resolve(line);
  }
}
