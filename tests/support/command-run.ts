/** Runs sub-commands of `models` in this process and records what they print. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config.ts";
import { addModel } from "../../src/workspace/add.ts";
import type { Ask } from "../../src/workspace/choose.ts";
import type { CommandContext } from "../../src/workspace/command.ts";
import type { Progress } from "../../src/workspace/progress.ts";
import { MAIN } from "./server-process.ts";

const SILENT: Progress = { start: () => ({ advance() {}, restart() {}, end() {} }) };

/** A temporary folder with an empty workspace, and a context to run commands in. Disposing removes it. */
export class CommandRun implements AsyncDisposable {
  readonly folder: string;
  readonly workspace: string;
  readonly printed: string[] = [];
  readonly notes: string[] = [];
  readonly stop = new AbortController();

  private constructor(folder: string) {
    this.folder = folder;
    this.workspace = join(folder, "workspace");
  }

  static async create(): Promise<CommandRun> {
    return new CommandRun(await mkdtemp(join(tmpdir(), "command-run-")));
  }

  context(env: Record<string, string> = {}, flags: readonly string[] = []): CommandContext {
    return {
      config: { ...readConfig(["--device", "cpu", ...flags], {}), workspace: this.workspace },
      env,
      engine: { command: [process.execPath, MAIN, "engine"], env: {} },
      signal: this.stop.signal,
      print: (line) => this.printed.push(line),
      note: (line) => this.notes.push(line),
    };
  }

  /** Runs `models add` with these flags, without a person at a terminal. */
  async add(
    argument: string,
    flags: { name?: string; file?: string; sha256?: string; ask?: Ask; progress?: Progress } = {},
    env: Record<string, string> = {},
  ): Promise<void> {
    const { name, file, sha256, ask = null, progress = SILENT } = flags;
    await addModel({ argument, name, file, sha256, ask, progress }, this.context(env));
  }

  /** A path below the temporary folder. */
  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Every file below `models`, hidden ones as well, by its path there. */
  async files(): Promise<string[]> {
    const entries = await readdir(join(this.workspace, "models"), {
      recursive: true,
      withFileTypes: true,
    }).catch(() => []);
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(this.workspace.length + 8))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
