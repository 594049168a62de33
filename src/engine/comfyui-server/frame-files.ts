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
    return new FrameFile(this.#client, filename, () => this.#free.push(number));
  }
}

export class FrameFile {
  /** As LoadImage names it. */
  readonly name: string;
  readonly #client: ComfyClient;
  readonly #filename: string;
  readonly #onFree: () => void;
  #isWritten = false;

  constructor(client: ComfyClient, filename: string, onFree: () => void) {
    this.#client = client;
    this.#filename = filename;
    this.#onFree = onFree;
    this.name = `${FOLDER}/${filename}`;
  }

  /** Throws `comfyui_unavailable`, and the signal's reason. */
  async write(png: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    this.#isWritten = true;
    await this.#client.upload({ subfolder: FOLDER, filename: this.#filename }, png, signal);
  }

  /** Blanks the file and gives it back. Never rejects. */
  async release(): Promise<void> {
    try {
      if (this.#isWritten) await this.write(BLANK, AbortSignal.timeout(BLANK_MS));
    } catch (error) {
      log.debug("frame not blanked", { error: reason(error) });
    }
    this.#onFree();
  }
}
