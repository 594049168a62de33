/** Hands out the files in ComfyUI's input folder that frames are written to. They are reused, because ComfyUI deletes none. */
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { ComfyClient } from "./client.ts";

const log = getLogger("comfyui");

const FOLDER = "comfystream-byoc";
const BLANK_MS = 5000;

/** One black pixel, which takes the place of the last frame. */
const BLANK = new Uint8Array(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC",
    "base64",
  ),
);

export class FrameFiles {
  readonly #client: ComfyClient;
  readonly #owner: string;
  /** Numbers of files that are free. */
  readonly #free: number[] = [];
  readonly #releases = new Set<Promise<void>>();
  #made = 0;

  /** @param owner unique to this engine and impossible to guess, since any graph may load any file */
  constructor(client: ComfyClient, owner: string) {
    this.#client = client;
    this.#owner = owner;
  }

  /** A file for the caller alone, until it is released. */
  take(): FrameFile {
    const number = this.#free.pop() ?? this.#made++;
    const filename = `${this.#owner}-${number}.png`;
    return new FrameFile(this.#client, filename, (released) => {
      this.#releases.add(released);
      void released.then(() => {
        this.#releases.delete(released);
        this.#free.push(number);
      });
    });
  }

  /** Resolves when every file that was released is blank, or ComfyUI does not answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#releases);
  }
}

export class FrameFile {
  /** As LoadImage names it. */
  readonly name: string;
  readonly #client: ComfyClient;
  readonly #filename: string;
  readonly #onRelease: (released: Promise<void>) => void;
  #isWritten = false;

  constructor(client: ComfyClient, filename: string, onRelease: (released: Promise<void>) => void) {
    this.#client = client;
    this.#filename = filename;
    this.#onRelease = onRelease;
    this.name = `${FOLDER}/${filename}`;
  }

  /** Throws `comfyui_unavailable`, and the signal's reason. */
  async write(png: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    this.#isWritten = true;
    await this.#client.upload({ subfolder: FOLDER, filename: this.#filename }, png, signal);
  }

  /** Blanks the file and gives it back. */
  release(): void {
    this.#onRelease(this.#blank());
  }

  async #blank(): Promise<void> {
    try {
      if (this.#isWritten) await this.write(BLANK, AbortSignal.timeout(BLANK_MS));
    } catch (error) {
      log.debug("frame not blanked", { error: reason(error) });
    }
  }
}
