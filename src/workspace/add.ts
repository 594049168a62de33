/** The command `models add`: brings a model from any source into the workspace, whole or not at all. */
import { BUILT_INS } from "../engine/models/built-in.ts";
import { isModelName, readModelFolder } from "../engine/models/model-folder.ts";
import { WorkerError } from "../errors.ts";
import { assemble } from "./assemble.ts";
import { type Ask, chooseModel } from "./choose.ts";
import type { CommandContext } from "./command.ts";
import { CommandError, describeSystemError, Unusable, UsageError } from "./failures.ts";
import { defaultName, toModelName } from "./layout.ts";
import { nearPipeline } from "./near-pipeline.ts";
import { type OwnJson, readOwnJson } from "./own-json.ts";
import { assemblePipeline, pipelineIn } from "./pipeline.ts";
import type { Progress } from "./progress.ts";
import { findSource } from "./sources/find-source.ts";
import type { Location, SourceContext } from "./sources/source.ts";
import { cleanStale, requireFreeName, Staging } from "./staging.ts";

export interface AddOptions {
  /** Where the model comes from, as it was typed. */
  readonly argument: string;
  /** `--name`. */
  readonly name: string | undefined;
  /** `--file`: which ONNX file of the source. */
  readonly file: string | undefined;
  /** `--sha256`. */
  readonly sha256: string | undefined;
  readonly progress: Progress;
  readonly ask: Ask;
}

/** Throws CommandError and leaves nothing behind but, of an interrupted download, what a later call continues. */
export async function addModel(options: AddOptions, context: CommandContext): Promise<void> {
  requireValid(options);
  const { workspace } = context.config;
  if (options.name !== undefined) await requireFreeName(workspace, options.name);
  const location = await findSource(options.argument);
  await cleanStale(workspace);
  const staging = await Staging.open(workspace, location.key);
  try {
    await addFrom(location, staging, options, context);
  } catch (error) {
    if (!(error instanceof Unusable)) throw await keepDownloads(staging, error);
    await staging.remove();
    throw error;
  }
}

async function addFrom(
  location: Location,
  staging: Staging,
  { name, file, sha256, progress, ask }: AddOptions,
  { config, env, signal, print }: CommandContext,
): Promise<void> {
  const checksum: SourceContext["checksum"] =
    sha256 === undefined ? null : { kind: "sha256", value: sha256.toLowerCase() };
  await using offer = await location.open({ env, staging, progress, signal, checksum });
  const pipeline = pipelineIn(offer, file ?? location.inside);
  if (pipeline !== null) {
    const added = name ?? toModelName(folderName(pipeline.root) ?? offer.title);
    await requireFreeName(config.workspace, added);
    const lines = await assemblePipeline(pipeline, offer, staging);
    signal.throwIfAborted();
    await staging.publish(added);
    await staging.remove();
    print(`added models/${added}, a diffusion pipeline${overrideNote(added)}`);
    for (const line of lines) print(indented(line));
    const entry = await readModelFolder(config.workspace, added);
    if (entry !== null && entry.state !== "usable") print(`\n${entry.error.message}`);
    return;
  }
  const own = await readOwnJson(offer, staging.notes);
  const named = file ?? location.inside ?? (await onlyNamed(own));
  const near = nearPipeline(offer, named);
  if (near !== null) throw new CommandError(near);
  const chosen = await chooseModel(offer, named, ask);
  const ownJson = own.find(({ model }) => model === chosen.path) ?? null;
  const added = name ?? ownJson?.json.name ?? defaultName(chosen.path, offer.title);
  requireValidName(ownJson, added);
  await requireFreeName(config.workspace, added);
  const lines = await assemble({ offer, chosen, ownJson, staging, name: added });
  signal.throwIfAborted();
  await staging.publish(added);
  await staging.remove();
  print(`added models/${added}${overrideNote(added)}`);
  for (const line of [...lines, "", `try it with: models check ${added}`]) print(indented(line));
}

const overrideNote = (name: string): string =>
  Object.hasOwn(BUILT_INS, name) ? ", which replaces the built-in model of that name" : "";

/** The last part of a folder's path; null at the top. */
const folderName = (folder: string): string | null => folder.split("/").at(-2) ?? null;

const indented = (line: string): string => (line === "" ? "" : `  ${line}`);

/** The ONNX file of the only model.json: it says which of several files is the model. */
const onlyNamed = (own: readonly OwnJson[]): string | null =>
  own.length === 1 ? (own[0]?.model ?? null) : null;

/** A model.json that states a name is valid in a folder of that name alone, and the name becomes a path. */
function requireValidName(ownJson: OwnJson | null, name: string): void {
  const stated = ownJson?.json.name;
  if (stated !== undefined && !isModelName(stated)) {
    throw new CommandError(
      `its model.json says that its name is ${JSON.stringify(stated)}, which no model can have: remove the name from it`,
    );
  }
  if (stated === undefined || stated === name) return;
  throw new CommandError(
    `its model.json says that its name is ${stated}: add it without --name, or remove the name from model.json`,
  );
}

function requireValid({ name, sha256 }: AddOptions): void {
  const problems: string[] = [];
  if (name !== undefined && !isModelName(name)) {
    problems.push(
      `--name is ${JSON.stringify(name)}; give 1 to 64 letters, digits, dots, dashes and underscores`,
    );
  }
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256))
    problems.push("--sha256 must be 64 hexadecimal digits");
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
}

/** Keeps what a later call continues, and adds to the error where that is. */
async function keepDownloads(staging: Staging, error: unknown): Promise<unknown> {
  const kept = await staging.keep();
  const isExpected = error instanceof CommandError || error instanceof WorkerError;
  const message = isExpected ? error.message : describeSystemError(error);
  if (kept === null || message === null) return error;
  const addition = `what was downloaded is kept in ${kept}: the same command continues from there`;
  return new CommandError(`${message}\n${addition}`, { cause: error });
}
