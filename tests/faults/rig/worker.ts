/** Runs the real server process that faults strike, with a workspace, a folder for temporary files and a census of its own. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { usageRecord } from "../../../src/server/streams/usage-record.ts";
import { api } from "../../support/live-stream.ts";
import { type ServerProcess, SOURCE_MAIN, startServer } from "../../support/server-process.ts";
import { waitFor } from "../../support/wait-for.ts";

/** Answers a signal with what the process holds; see census.ts. */
const CENSUS_PRELOAD = join(import.meta.dir, "census-preload.ts");
/** Carry out what a fault of processes asks for. */
const FAULT_PRELOADS = [
  join(import.meta.dir, "../process/orders-preload.ts"),
  join(import.meta.dir, "../../support/obey-decoder-marker.ts"),
];
/** How the names of workers' folders begin; the rig's process id follows. */
const FOLDER = "fault-worker-";
/** Log lines that are retained, the newest. */
const MAX_LINES = 2000;

export interface WorkerOptions {
  /** Of the server; its port, workspace and log format are the worker's own. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** More modules that server and engines load first. */
  readonly preloads?: readonly string[];
  /** Get every log line of server and engines, as JSON, and what else they print. */
  readonly onLine?: (line: string) => void;
  readonly onText?: (line: string) => void;
}

/** What a stream leaves in the usage log. */
export type UsageRecord = ReturnType<typeof usageRecord>;

export class Worker implements AsyncDisposable {
  /** Models are below `models`. */
  readonly workspace: string;
  /** TMPDIR of all its processes. */
  readonly temporary: string;
  /** Where its processes write their census. */
  readonly censuses: string;
  /** Where its processes look for orders. */
  readonly orders: string;
  /** The management API. */
  readonly api: ReturnType<typeof api>;
  readonly #folder: string;
  readonly #usageLog: string;
  readonly #server: ServerProcess;
  readonly #lines: string[];

  /** Resolves when an engine is ready. */
  static async start(options: WorkerOptions = {}): Promise<Worker> {
    await removeAbandoned();
    const folder = await mkdtemp(join(tmpdir(), `${FOLDER}${process.pid}-`));
    try {
      return await Worker.#startIn(folder, options);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
  }

  static async #startIn(folder: string, options: WorkerOptions): Promise<Worker> {
    for (const each of ["workspace", "temporary", "censuses", "orders"])
      await mkdir(join(folder, each));
    const preloads = [CENSUS_PRELOAD, ...FAULT_PRELOADS, ...(options.preloads ?? [])];
    const lines: string[] = [];
    const server = await startServer(
      SOURCE_MAIN,
      [
        ...["--workspace", join(folder, "workspace"), "--usage-log", usageLogIn(folder)],
        ...(options.flags ?? []),
      ],
      {
        BUN_OPTIONS: preloads.map((path) => `--preload=${path}`).join(" "),
        TMPDIR: join(folder, "temporary"),
        CENSUS_FOLDER: join(folder, "censuses"),
        ORDERS_FOLDER: join(folder, "orders"),
        ...options.env,
      },
      (line) => {
        lines.push(line);
        options.onLine?.(line);
        if (lines.length > MAX_LINES) lines.shift();
      },
      options.onText,
    );
    const worker = new Worker(folder, server, lines, options.env?.["CAPABILITY_TOKEN"]);
    try {
      await worker.ready();
      return worker;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: string, server: ServerProcess, lines: string[], token?: string) {
    this.#folder = folder;
    this.#server = server;
    this.#lines = lines;
    this.#usageLog = usageLogIn(folder);
    this.workspace = join(folder, "workspace");
    this.temporary = join(folder, "temporary");
    this.censuses = join(folder, "censuses");
    this.orders = join(folder, "orders");
    this.api = api(server.url, token);
  }

  get url(): string {
    return this.#server.url;
  }
  /** Of the server. */
  get pid(): number {
    return this.#server.pid;
  }
  get exited(): Promise<number> {
    return this.#server.exited;
  }
  /** The newest log lines of server and engines, as JSON. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** URL of a channel of its own trickle server. */
  channel(name: string): string {
    return `${this.url}/trickle/${name}`;
  }

  /** Waits until every engine is ready. */
  async ready(timeoutMs = 20_000): Promise<void> {
    await waitFor(
      "every engine to be ready",
      async () => (await this.engines()).every(({ state }) => state === "ready"),
      timeoutMs,
    );
  }

  /** The engines as `GET /health` lists them. */
  async engines(): Promise<readonly { readonly pid: number | null; readonly state: string }[]> {
    return (await this.api.health()).engines;
  }

  /** Process id of the engine that runs the stream, or of the first engine. Throws if there is none just now. */
  async enginePid(stream?: string): Promise<number> {
    const pid =
      stream === undefined
        ? (await this.engines()).find(({ state }) => state === "ready")?.pid
        : (await this.api.debug(stream)).engine?.pid;
    if (typeof pid === "number") return pid;
    throw new Error(`no engine is running for ${stream ?? "new streams"}`);
  }

  /** One for each stream that has ended. */
  async usageRecords(): Promise<readonly UsageRecord[]> {
    const file = Bun.file(this.#usageLog);
    const lines = (await file.exists()) ? (await file.text()).split("\n").filter(Boolean) : [];
    return lines.map((line) => JSON.parse(line));
  }

  /** The kind of error that a stream ended with, from its usage record. */
  async endKind(stream: string): Promise<string> {
    const { log_id } = await this.api.debug(stream);
    let kind: string | null | undefined;
    await waitFor("the usage record of a stream", async () => {
      const record = (await this.usageRecords()).findLast((one) => one.stream === log_id);
      kind = record?.error;
      return record !== undefined;
    });
    return kind ?? "none";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

/** Removes the folders of workers whose rig was killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = new RegExp(`^${FOLDER}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const usageLogIn = (folder: string): string => join(folder, "usage.jsonl");
