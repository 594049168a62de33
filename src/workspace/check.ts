/** The command `models check`: runs a model on a picture, saves it before and after, and says what looks wrong. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ModelHost } from "../engine/device/model-host.ts";
import { ModelCatalogue } from "../engine/models/catalogue.ts";
import type { ModelDefinition } from "../engine/models/definition.ts";
import { readRegularFile } from "../engine/models/regular-file.ts";
import { dataReport } from "../engine/plan/data-values.ts";
import { chooseDevices } from "../server/engines/devices.ts";
import { textTable } from "../text-table.ts";
import {
  type Finding,
  imageFindings,
  outputFindings,
  pipelineFindings,
  type RawOutput,
} from "./check/findings.ts";
import { asData, rawOutputs } from "./check/raw-outputs.ts";
import { describeSpread } from "./check/spread.ts";
import {
  TRIAL_PROMPT,
  type Trial,
  type TrialInput,
  type TrialPicture,
  trialPicture,
  tryModel,
} from "./check/trial.ts";
import { makeTrialWorkspace } from "./check/trial-workspace.ts";
import type { CommandContext } from "./command.ts";

const MAX_IMAGE_BYTES = 64 * 2 ** 20;
/** Characters of a data output that are printed. */
const SHOWN = 300;

export interface CheckOptions {
  /** A PNG, JPEG or WebP file; without it the test picture is used. */
  readonly image: string | undefined;
  /** The folder in which the pictures are saved. */
  readonly out: string;
}

/** Throws CommandError and WorkerError where the model cannot run. What looks wrong is printed, and is no failure. */
export async function checkModel(
  argument: string,
  { image, out }: CheckOptions,
  { config, print, signal }: Pick<CommandContext, "config" | "print" | "signal">,
): Promise<void> {
  await using workspace = await makeTrialWorkspace(argument, config.workspace);
  const { name } = workspace;
  if (workspace.isDraft) print("there is no model.json: the draft of models init is tried");
  const [device = "cpu"] = chooseDevices(config.device).names;
  const file = image === undefined ? null : await readRegularFile(image, image, MAX_IMAGE_BYTES);
  using picture = await trialPicture(file);

  const run = async (model: string, input: TrialInput): Promise<Trial> => {
    const catalogue = await ModelCatalogue.open(workspace.path);
    await using host = new ModelHost({ catalogue, device, onChange: () => {} });
    return await tryModel(model, input, host, signal);
  };
  const drawsAlone = workspace.isPipeline && file === null;
  const trial = await run(name, drawsAlone ? { ...picture, frame: null } : picture);
  const ms = Math.round(trial.inferenceMs * 10) / 10;
  print(`${name}: ${ms} ms a frame of ${sizeOf(trial.picture)} on ${trial.executionProvider}`);
  let findings: readonly Finding[];
  if (workspace.isPipeline) {
    const by = JSON.stringify(TRIAL_PROMPT);
    print(`a diffusion pipeline: drawn by the prompt ${by}${drawsAlone ? "" : " and the picture"}`);
    findings = [...pipelineFindings(trial.picture)];
  } else {
    const raw = await run(await workspace.addVariant(asData(trial.definition)), picture);
    const outputs = rawOutputs(trial.definition, raw.data);
    for (const line of textTable(outputs.map(outputRow))) print(line);
    findings = findingsOf(picture, trial, outputs);
  }
  const report = dataReport(trial.definition, trial) ?? {};
  for (const [tensor, value] of Object.entries(report)) print(`${tensor}: ${shortened(value)}`);
  const files = drawsAlone ? { after: trial.png } : { before: picture.png, after: trial.png };
  for (const path of await save(name, out, files)) print(`saved ${path}`);

  print(findings.length === 0 ? "\nnothing looks wrong" : "\nlooks wrong:");
  for (const { field, problem } of findings) print(`  ${field}: ${problem}`);
}

/** What the values say comes first: a field that they explain is not reported for its picture again. */
function findingsOf(
  { picture }: TrialPicture,
  { definition, picture: result }: Trial,
  outputs: readonly RawOutput[],
): Finding[] {
  const findings = outputs.flatMap((output) => [...outputFindings(output)]);
  const image = tensorWith("image", definition.outputs);
  if (image === null) return findings;
  const frame = tensorWith("frame", definition.inputs);
  const isKnown = ({ field }: Finding): boolean =>
    findings.some((one) => `${field}.`.startsWith(`${one.field}.`));
  const seen = [...imageFindings(picture, result, { frame, image })];
  return [...findings, ...seen.filter((one) => !isKnown(one))];
}

const tensorWith = (role: string, ports: ModelDefinition["inputs"]): string | null =>
  ports.find((port) => port.role === role)?.tensor ?? null;

const outputRow = ({ tensor, role, spread }: RawOutput): string[] => [
  tensor,
  role,
  describeSpread(spread),
];

async function save(
  name: string,
  out: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<string[]> {
  await mkdir(out, { recursive: true });
  return await Promise.all(
    Object.entries(files).map(async ([suffix, png]) => {
      const path = join(resolve(out), `${name}-${suffix}.png`);
      await writeFile(path, png);
      return path;
    }),
  );
}

const sizeOf = ({ width, height }: { readonly width: number; readonly height: number }): string =>
  `${width}x${height}`;

function shortened(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
