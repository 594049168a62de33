/**
 * Makes the reference numbers that every clone checks, `tests/reference/*.json`, from the complete ones in
 * ../shared/data/golden: `bun scripts/build-references.ts`. tests/reference/README.md describes their form.
 */
import { join } from "node:path";
import { type ArrayCase, readArrayCases, withArrays } from "./references/array-cases.ts";
import { classTable, graphTable, verdictTable } from "./references/graph-tables.ts";
import { promptTable } from "./references/prompt-table.ts";

const TARGET = join(import.meta.dir, "../tests/reference");

/** Sets of arrays: what is kept of each case, or null for a case that is left out. */
const ARRAY_SETS: Readonly<Record<string, (its: ArrayCase) => ArrayCase | null>> = {
  "noise/torch": (its) => its,
  "noise/numpy": (its) => its,
  "sigmas/sigmas": (its) => withArrays(its, ["sigmas", "timesteps"]),
  "schedules/table": (its) => its,
  "schedules/nodes": (its) => its,
  // Where a run ended and when it called the network says whether each step was right.
  "samplers/samplers": (its) =>
    its.id === "inputs" || TRAJECTORIES.includes(its.id) ? its : withArrays(its, ["out"]),
  "samplers/seed-plus-one": (its) => withArrays(its, ["out"]),
  "samplers/brownian": (its) => its,
  "pipeline/schedulers": (its) => withLast(withArrays(its, ["timesteps", "sigmas", "x"]), "x"),
  "pipeline/pipelines": (its) => withNoiseEnd(its),
  "pipeline-xl/pipelines": (its) => withNoiseEnd(its),
  "pipeline-control/pipelines": (its) => withNoiseEnd(its),
};

/** The last numbers of a pipeline's noise: they are right where all draws before them were of the right size. */
const NOISE_END = 8;
/** What decides about the timesteps and the noise of a pipeline's run. */
const SAMPLING = [
  ...["kind", "models", "scheduler", "config", "steps", "strength", "eta", "seed", "timesteps"],
];

/** Kept step by step. */
const TRAJECTORIES = ["euler_ancestral-adv-0-4-left", "dpmpp_2m_sde-img2img-0.5-4"];

/** The content of each file by its name without `.json`. Throws where the complete data is absent. */
export function references(): ReadonlyMap<string, string> {
  const sets = Object.entries(ARRAY_SETS).map(([set, keep]) => {
    const cases = readArrayCases(set).flatMap((its) => keep(its) ?? []);
    const lines = cases.map((its) => JSON.stringify(its));
    return [set.replace("/", "-"), `{\n"cases": [\n${lines.join(",\n")}\n]\n}\n`] as const;
  });
  return new Map([
    ...sets,
    ["prompts", promptTable()],
    ["graph-verdicts", verdictTable()],
    ["node-classes", classTable()],
    ["default-graphs", graphTable()],
  ]);
}

if (import.meta.main) {
  for (const [name, json] of references()) {
    await Bun.write(join(TARGET, `${name}.json`), json);
    console.log(`tests/reference/${name}.json: ${Math.round(json.length / 1024)} KiB`);
  }
}

/** What a case says of its timesteps and noise: the shape of all noise, and the end of it as `noise_end`. */
function withNoiseEnd(its: ArrayCase): ArrayCase {
  const kept = Object.entries(its).filter(([field]) => SAMPLING.includes(field));
  const { noise } = its.arrays;
  if (noise === undefined) throw new Error(`${its.id} has no noise`);
  const end = Uint8Array.fromBase64(noise.f32).slice(-4 * NOISE_END);
  const arrays = { noise_end: { shape: [NOISE_END], f32: end.toBase64() } };
  return { id: its.id, ...Object.fromEntries(kept), noise_shape: noise.shape, arrays };
}

/** The case with the last of an array's first dimension alone, as `last`. */
function withLast(its: ArrayCase, name: string): ArrayCase {
  const { [name]: whole, ...arrays } = its.arrays;
  if (whole === undefined) throw new Error(`${its.id} has no array ${name}`);
  const [, ...shape] = whole.shape;
  const count = shape.reduce((product, side) => product * side, 1);
  const bytes = Uint8Array.fromBase64(whole.f32).slice(-4 * count);
  return { ...its, arrays: { ...arrays, last: { shape, f32: bytes.toBase64() } } };
}
