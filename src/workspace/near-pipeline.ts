/** Recognizes what is nearly a diffusion pipeline, or a part that ComfyUI graphs load, and says what to do with it. */
import {
  MODEL_INDEX,
  NEEDED_NETWORKS,
  NETWORKS,
  type NetworkPart,
  networkFile,
} from "../engine/diffusion/pipeline-folder.ts";
import { folderOf, isHidden } from "./layout.ts";
import type { Offer } from "./sources/source.ts";

/** With so many of the networks that every pipeline needs, a folder is meant as one. */
const TELLING = 2;

/** The ONNX files of each part in one folder, by their names. */
type Parts = ReadonlyMap<NetworkPart, readonly string[]>;

/**
 * Why an offer, or its folder `named`, is not added as a pipeline, with the way out; null for what is not nearly one, and
 * where a single network is named.
 */
export function nearPipeline(offer: Offer, named: string | null): string | null {
  const wanted = named?.replace(/^(\.?\/)+|\/+$/g, "") ?? null;
  const described = [...partsByRoot(offer)]
    .filter(([root]) => wanted === null || root === `${wanted}/`)
    .flatMap(([root, parts]) => describe(offer, root, parts) ?? []);
  const [only] = described;
  return only !== undefined && described.length === 1 ? only : null;
}

function partsByRoot({ files }: Offer): Map<string, Map<NetworkPart, string[]>> {
  const roots = new Map<string, Map<NetworkPart, string[]>>();
  for (const { path } of files) {
    if (!/\.onnx$/i.test(path) || isHidden(path)) continue;
    const folder = folderOf(path);
    const part = NETWORKS.find((name) => `/${folder}`.endsWith(`/${name}/`));
    if (part === undefined) continue;
    const root = folder.slice(0, -part.length - 1);
    const parts = roots.get(root) ?? new Map<NetworkPart, string[]>();
    roots.set(root, parts.set(part, [...(parts.get(part) ?? []), path.slice(folder.length)]));
  }
  return roots;
}

function describe(offer: Offer, root: string, parts: Parts): string | null {
  const what = root === "" ? offer.label : `${root.slice(0, -1)} in ${offer.label}`;
  const names = [...parts.keys()];
  if (NEEDED_NETWORKS.filter((part) => parts.has(part)).length >= TELLING) {
    const faults = faultsOf(offer, root, parts);
    if (faults.length === 0) return null;
    const lines = faults.map((fault) => `\n  ${fault}`).join("");
    return `${what} is nearly a diffusion pipeline:${lines}\nmend a copy of the folder and add that; --file adds one network alone`;
  }
  if (!names.every((part) => /^(controlnet|vae_)/.test(part))) return null;
  const files = names.map((part) => `models/NAME/${networkFile(part)}`).join(", ");
  const kind = names.some((part) => part.startsWith("vae_")) ? "a VAE" : "a ControlNet";
  return `${what} holds ${kind}, which is no model by itself: ComfyUI graphs load it by the NAME of a folder in the workspace, so copy it there as ${files}; --file adds it as a model all the same`;
}

function faultsOf({ files }: Offer, root: string, parts: Parts): string[] {
  const missing = NEEDED_NETWORKS.filter((part) => !parts.has(part)).map(
    (part) => `${networkFile(part)} is missing: export the pipeline with optimum-cli export onnx`,
  );
  const misnamed = [...parts].flatMap(([part, names]) => {
    const file = networkFile(part);
    if (names.some((name) => `${part}/${name}` === file)) return [];
    const [first, ...others] = names.map((name) => `${part}/${name}`);
    return others.length === 0
      ? `rename ${first} to model.onnx`
      : `rename one of ${[first, ...others].join(", ")} to model.onnx`;
  });
  const hasIndex = files.some(({ path }) => path === root + MODEL_INDEX);
  return [...missing, ...misnamed, ...(hasIndex ? [] : [`${MODEL_INDEX} is missing ({} will do)`])];
}
