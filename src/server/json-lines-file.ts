/** Appends records to a file as JSON Lines. A record whose line cannot be written waits in memory and is tried again. */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { ConfigError } from "../config.ts";
import { reason } from "../errors.ts";
import { getLogger } from "../log.ts";
import { untilAborted } from "../streams/until-aborted.ts";

const log = getLogger("server");

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** With O_NONBLOCK, opening a pipe without a reader fails instead of waiting. */
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;
/** Records tell who used what: other users of the machine cannot read them. */
const MODE = 0o640;
const MAX_WAITING = 1000;
const CLOSE_MS = 1000;

/**
 * Lines are written one after the other and are always whole. A file that was moved away, by logrotate for example, is
 * made anew with the next line. Dispose it to write what waits and to close the file.
 */
export class JsonLinesFile implements AsyncDisposable {
  readonly #path: string;
  /** The setting that names the file, for messages. */
  readonly #setting: string;
  /** The oldest first. */
  readonly #waiting: string[] = [];
  #file: FileHandle | null;
  /** Settles when the write in progress is over; null while none is. */
  #writing: Promise<void> | null = null;
  #fails = false;
  /** Lines that were dropped since the last successful write. */
  #lost = 0;

  /** Opens or makes the file. Throws ConfigError if it cannot be written. */
  static async open(path: string, setting: string): Promise<JsonLinesFile> {
    try {
      return new JsonLinesFile(path, setting, await open(path, FLAGS, MODE));
    } catch (error) {
      const why = reason(error);
      throw new ConfigError(`${setting} names a file that cannot be written: ${path} (${why})`);
    }
  }

  private constructor(path: string, setting: string, file: FileHandle) {
    this.#path = path;
    this.#setting = setting;
    this.#file = file;
  }

  /** Returns at once and never throws. While the file cannot be written, the latest 1,000 records wait. */
  append(record: object): void {
    this.#waiting.push(`${JSON.stringify(record)}\n`);
    this.#lost += this.#waiting.splice(0, this.#waiting.length - MAX_WAITING).length;
    void this.#write();
  }

  /** Takes at most a second, even if the disk hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await untilAborted(this.#close(), AbortSignal.timeout(CLOSE_MS));
    const lost = this.#lost + this.#waiting.length;
    if (lost > 0) log.error(`${this.#setting}: records were lost`, { lost, file: this.#path });
  }

  async #close(): Promise<void> {
    await this.#writing; // a line that failed is tried once more
    await this.#write();
    await this.#file?.close();
    this.#file = null;
  }

  /** Writes all that waits, until a line fails. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      try {
        await this.#writeLine(line);
      } catch (error) {
        this.#waiting.unshift(line);
        this.#failed(error);
        return;
      }
      this.#succeeded();
    }
  }

  async #writeLine(line: string): Promise<void> {
    const bytes = Buffer.from(line);
    const file = await this.#current();
    const before = await file.stat();
    try {
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error("there was no room for the whole line");
    } catch (error) {
      // A part of a line would spoil the line after it.
      if (before.isFile() && (await file.stat()).size > before.size)
        await file.truncate(before.size);
      throw error;
    }
  }

  /** The file that is at the path now. */
  async #current(): Promise<FileHandle> {
    if (this.#file !== null) {
      const [mine, now] = await Promise.all([
        this.#file.stat(),
        stat(this.#path).catch(() => null), // opening it says why
      ]);
      if (now !== null && now.ino === mine.ino && now.dev === mine.dev) return this.#file;
      const moved = this.#file;
      this.#file = null;
      await moved.close();
    }
    this.#file = await open(this.#path, FLAGS, MODE);
    return this.#file;
  }

  #failed(error: unknown): void {
    if (this.#fails) return;
    this.#fails = true;
    log.error(`${this.#setting}: the file cannot be written; records wait in memory`, {
      file: this.#path,
      error: reason(error),
      at_most: MAX_WAITING,
    });
  }

  #succeeded(): void {
    if (!this.#fails) return;
    log.info(`${this.#setting}: the file is written again`, { file: this.#path, lost: this.#lost });
    this.#fails = false;
    this.#lost = 0;
  }
}
