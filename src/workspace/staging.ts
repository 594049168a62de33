/** The hidden folder in which a model is put together before it appears in the workspace at once, under its name. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "./failures.ts";
import { type HeldFolder, holdFolder } from "./held-folder.ts";
import { isPresent, modelFolder, modelsFolder } from "./layout.ts";

/** Below the folder of models, so that a rename never crosses file systems, also where that is a volume of its own. */
const PARTIAL = ".partial";
const DOWNLOADS = "downloads";
const MODEL = "model";
const NOTES = "notes";
/** Downloads that nobody continues are deleted after a week. */
const STALE_MS = 7 * 24 * 3600 * 1000;

export class Staging {
  readonly #workspace: string;
  readonly #held: HeldFolder;

  private constructor(workspace: string, held: HeldFolder) {
    this.#workspace = workspace;
    this.#held = held;
  }

  /**
   * @param key what an earlier call with the same key has downloaded is there; null for a folder of this call's own
   */
  static async open(workspace: string, key: string | null): Promise<Staging> {
    const name = key === null ? randomUUID() : shortHash(key);
    const held = await holdFolder(join(modelsFolder(workspace), PARTIAL, name));
    if (held === null) {
      throw new CommandError(
        "another models add is downloading the same: wait until it is done, or stop it",
      );
    }
    // What an interrupted call had put together is made anew from its downloads.
    const staging = new Staging(workspace, held);
    await staging.#clear();
    await mkdir(staging.model);
    await mkdir(staging.notes);
    return staging;
  }

  /** The folder that becomes the model's. */
  get model(): string {
    return join(this.#held.path, MODEL);
  }

  /** A folder for files that are read and not kept. */
  get notes(): string {
    return join(this.#held.path, NOTES);
  }

  /** Where a download is gathered. The same key gives the same path in later calls. */
  download(key: string): string {
    return join(this.#held.path, DOWNLOADS, shortHash(key));
  }

  /** Gives the model its name in the workspace. Throws CommandError if there is one of that name by now. */
  async publish(name: string): Promise<void> {
    const folder = modelFolder(this.#workspace, name);
    if (await isPresent(folder)) throw nameTaken(name);
    await rename(this.model, folder).catch((error) => {
      // Another call was faster.
      if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(error.code)) throw nameTaken(name);
      throw error;
    });
  }

  /** Leaves what was downloaded for a later call; returns its folder, or null where there is nothing. */
  async keep(): Promise<string | null> {
    const downloads = await readdir(join(this.#held.path, DOWNLOADS)).catch(() => []);
    if (downloads.length === 0) {
      await this.remove();
      return null;
    }
    await this.#clear();
    await this.#held.release();
    return this.#held.path;
  }

  async #clear(): Promise<void> {
    await rm(this.model, { recursive: true, force: true });
    await rm(this.notes, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.#held.remove();
    await removeIfEmpty(join(modelsFolder(this.#workspace), PARTIAL));
  }
}

/** Throws CommandError if the workspace has a model of that name. */
export async function requireFreeName(workspace: string, name: string): Promise<void> {
  if (await isPresent(modelFolder(workspace, name))) throw nameTaken(name);
}

const nameTaken = (name: string): CommandError =>
  new CommandError(
    `there is a model ${name} already: choose another name with --name, or delete it with: models remove ${name}`,
  );

/** Deletes what killed calls have left: folders without downloads at once, others after a week. */
export async function cleanStale(workspace: string, now: number = Date.now()): Promise<void> {
  const models = modelsFolder(workspace);
  for (const name of await readdir(models).catch(() => []))
    if (name.startsWith(".removed-"))
      await rm(join(models, name), { recursive: true, force: true });
  const partial = join(models, PARTIAL);
  for (const name of await readdir(partial).catch(() => [])) {
    const folder = join(partial, name);
    if (!(await stat(folder).catch(() => null))?.isDirectory()) {
      await rm(folder, { force: true });
      continue;
    }
    const downloads = await stat(join(folder, DOWNLOADS)).catch(() => null);
    if (downloads !== null && now - (await newest(join(folder, DOWNLOADS))) < STALE_MS) continue;
    const held = await holdFolder(folder);
    await held?.remove();
  }
  await removeIfEmpty(partial);
}

/** When the last file in the folder was written, in milliseconds. */
async function newest(folder: string): Promise<number> {
  const times = (await readdir(folder)).map(
    async (name) => (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0,
  );
  return Math.max(0, ...(await Promise.all(times)));
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT" && error.code !== "EEXIST")
      throw error;
  });
}

const shortHash = (key: string): string =>
  createHash("sha256").update(key).digest("hex").slice(0, 16);
