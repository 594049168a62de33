/** Combines a `model.json` with the signature of its ONNX file into a model definition, and reports every mismatch. */
import type { FieldProblem } from "../../field-problem.ts";
import type { ModelParam } from "../protocol/models.ts";
import type { ModelDefinition } from "./definition.ts";
import { draftInputs, draftOutputs } from "./draft.ts";
import { type ModelJson, modelJsonError, type PortEntry } from "./model-json.ts";
import { INPUT_ROLES, type Roles } from "./roles/input-roles.ts";
import { OUTPUT_ROLES, PICTURE_ROLES } from "./roles/output-roles.ts";
import type { Port, Role, SizeRule, VideoUse } from "./roles/role.ts";
import { describeTensor, type GraphSignature, type TensorSignature } from "./tensor-signature.ts";

/** The roles that ports may have, by name. */
export interface RoleTables {
  readonly inputs: Roles;
  readonly outputs: Roles;
}

export const ROLES: RoleTables = { inputs: INPUT_ROLES, outputs: OUTPUT_ROLES };

/**
 * The model's definition: what `model.json` states, completed by what the signature suggests. Throws `model_failed`
 * that names each field which does not match the file.
 *
 * @param folder where files that `model.json` names lie
 */
export function defineModel(
  name: string,
  json: ModelJson,
  signature: GraphSignature,
  folder: string | null = null,
  roles: RoleTables = ROLES,
): ModelDefinition {
  const problems: FieldProblem[] = [];
  problems.push(...unknownNames("inputs", json.inputs, signature.inputs));
  problems.push(...unknownNames("outputs", json.outputs, signature.outputs));
  if (problems.length > 0) throw modelJsonError(problems);

  const entries = { ...draftInputs(signature, json.inputs ?? {}), ...json.inputs };
  const results = { ...draftOutputs(signature, entries, json.outputs ?? {}), ...json.outputs };
  const batch = batchSymbol(signature, entries);
  const bind = (side: "inputs" | "outputs", given: Readonly<Record<string, PortEntry>>): Port[] =>
    signature[side].flatMap((tensor) => {
      const field = `${side}.${tensor.name}`;
      const entry = given[tensor.name];
      const role = entry?.role === undefined ? undefined : roles[side][entry.role];
      if (entry === undefined || role === undefined) {
        const known = Object.keys(roles[side]).join(", ");
        problems.push({ field, problem: `${noRole(tensor)} (${known})` });
        return [];
      }
      const problem = (part: string, predicate: string): void => {
        problems.push({ field: part === "" ? field : `${field}.${part}`, problem: predicate });
      };
      const batched = batch !== null && isBatched(tensor, batch, side);
      return role.bind({ tensor, entry, signature, batched, problem });
    });
  const inputs = bind("inputs", entries);
  const outputs = bind("outputs", results);
  problems.push(...unpairedStates(inputs, outputs));
  const pictures = outputs.filter(({ role }) => PICTURE_ROLES.includes(role));
  if (pictures.length > 1) {
    const names = pictures.map(({ tensor }) => JSON.stringify(tensor)).join(" and ");
    problems.push({
      field: "outputs",
      problem: `${names} are all the picture: ignore all but one`,
    });
  }
  if (outputs.length > 0 && outputs.every(({ role }) => role === "ignore")) {
    problems.push({ field: "outputs", problem: "are all ignored: give one of them another role" });
  }
  const video = videoOf(inputs, roles, problems);
  const overlays = outputs.some(({ role }) => roles.outputs[role]?.needsOriginal === true);
  if (overlays && json.fit !== undefined) {
    const problem =
      "has no meaning for a mask or heat output, which is drawn over the video: leave it out";
    problems.push({ field: "fit", problem });
  }
  if (problems.length > 0) throw modelJsonError(problems);

  const fed = portRoles(inputs, roles.inputs);
  const ports = [...fed, ...portRoles(outputs, roles.outputs)];
  const isRecurrent = ports.some(({ role }) => role.isRecurrent === true);
  const { every = 1, skip_unchanged: skipUnchanged = false, threads = null } = json.run ?? {};
  for (const shared of namesOfTwoTypes(paramsOf(ports))) {
    const problem = `give the name ${JSON.stringify(shared)} to parameters of two types: set the name of one of them`;
    problems.push({ field: "inputs", problem });
  }
  if (problems.length > 0) throw modelJsonError(problems);
  return {
    name,
    description: json.description ?? "",
    license: json.license ?? "",
    homepage: json.homepage ?? "",
    inputs,
    outputs,
    params: distinct(paramsOf(ports)),
    inputParams: distinct(paramsOf(fed)),
    presets: json.presets ?? {},
    ...video,
    video: overlays ? "required" : video.video,
    fit: json.fit ?? null,
    run: { every, skipUnchanged, threads },
    batchable: batch !== null && !isRecurrent && outputs.every(({ batched }) => batched),
    draws: pictures.length > 0,
    overlays,
    live: { withVideo: overlays || isLive(ports, true), alone: isLive(ports, false) },
    folder,
  };
}

/** Problems of outputs that a state input names and that go elsewhere, and of states that no input takes. */
function* unpairedStates(
  inputs: readonly Port[],
  outputs: readonly Port[],
): Generator<FieldProblem> {
  const named = inputs.flatMap((port) =>
    "output" in port && port.role === "state" ? [port.output] : [],
  );
  for (const { tensor, role } of outputs) {
    if (named.includes(tensor) === (role === "state")) continue;
    const problem =
      role === "state"
        ? 'is "state", but no input with that role names this output'
        : 'must be "state", because an input names this output as its state';
    yield { field: `outputs.${tensor}.role`, problem };
  }
}

const isLive = (ports: readonly BoundPort[], hasVideo: boolean): boolean =>
  ports.some(({ role, port }) => role.isLive?.(port, hasVideo) === true);

interface BoundPort {
  readonly port: Port;
  readonly role: Role;
}

const portRoles = (ports: readonly Port[], table: Roles): BoundPort[] =>
  ports.flatMap((port) => {
    const role = table[port.role];
    return role === undefined ? [] : [{ port, role }];
  });

/**
 * True for a tensor whose first dimension is that of the frame. Exporters give one dimension several names, so that
 * pictures and outputs with any free first dimension count; warm-up finds out whether batches really run.
 */
function isBatched({ dims }: TensorSignature, batch: string, side: "inputs" | "outputs"): boolean {
  const first = dims?.[0];
  if (first === batch || (dims === null && side === "outputs")) return true;
  return typeof first === "string" && (side === "outputs" || dims?.length === 4);
}

/** The first free dimension of the frame, or of the noise that stands for it: frames of several streams fit there. */
function batchSymbol(
  { inputs }: GraphSignature,
  entries: Readonly<Record<string, PortEntry>>,
): string | null {
  const main = inputs.find(({ name }) => ["frame", "noise"].includes(entries[name]?.role ?? ""));
  const first = main?.dims?.[0];
  return main?.dims?.length === 4 && typeof first === "string" ? first : null;
}

/** All ports that take the video must take the same size. */
function videoOf(
  inputs: readonly Port[],
  roles: RoleTables,
  problems: FieldProblem[],
): { video: VideoUse; picture: SizeRule | null } {
  let video: VideoUse = "none";
  let picture: SizeRule | null = null;
  for (const { role, port } of portRoles(inputs, roles.inputs)) {
    const taken = role.video?.(port) ?? null;
    if (taken === null) continue;
    if (picture !== null && !Bun.deepEquals(picture, taken.rule)) {
      const sizes = `takes ${ruleText(taken.rule)}, another input ${ruleText(picture)}`;
      problems.push({
        field: `inputs.${port.tensor}.size`,
        problem: `${sizes}: all must take the same`,
      });
    }
    picture ??= taken.rule;
    if (video !== "required") video = taken.use;
  }
  return { video, picture };
}

const ruleText = ({ size, multipleOf }: SizeRule): string =>
  size === null ? `multiples of ${multipleOf}` : `${size.width}x${size.height}`;

const namesOfTwoTypes = (params: readonly ModelParam[]): string[] =>
  distinct(params)
    .filter((first) => params.some(({ name, type }) => name === first.name && type !== first.type))
    .map(({ name }) => name);

const paramsOf = (ports: readonly BoundPort[]): ModelParam[] =>
  ports.flatMap(({ role, port }) => role.params?.(port) ?? []);

/** Ports may share a parameter: the first one describes it. */
const distinct = (params: readonly ModelParam[]): ModelParam[] =>
  params.filter((param, at) => params.findIndex(({ name }) => name === param.name) === at);

const noRole = (tensor: TensorSignature): string =>
  `has no role, and ${describeTensor(tensor)} suggests none: give it one in model.json`;

function* unknownNames(
  field: "inputs" | "outputs",
  entries: Readonly<Record<string, unknown>> | undefined,
  tensors: readonly TensorSignature[],
): Generator<FieldProblem> {
  for (const name of Object.keys(entries ?? {})) {
    if (tensors.some((tensor) => tensor.name === name)) continue;
    const known = tensors.map(describeTensor).join(", ");
    yield {
      field: `${field}.${name}`,
      problem: `is not in the ONNX file; its ${field} are ${known}`,
    };
  }
}
