/** Adds a whole diffusion pipeline: the ONNX networks in an offer's folders, their weights, and the files beside them. */
import { join } from "node:path";
import {
  MODEL_INDEX,
  NEEDED_NETWORKS,
  NETWORKS,
  networkFile,
} from "../engine/diffusion/pipeline-folder.ts";
import { whatItIs } from "../engine/models/file-kind.ts";
import { formatBytes } from "../engine/models/regular-file.ts";
import { describeLicense, fetchLicense, findWeights } from "./assemble.ts";
import { Unusable } from "./failures.ts";
import { folderOf } from "./layout.ts";
import type { Offer, OfferedFile, Wanted } from "./sources/source.ts";
import type { Staging } from "./staging.ts";

/** Folders whose files all belong to the pipeline. */
const SMALL_PARTS = ["scheduler", "tokenizer", "tokenizer_2"];
/** Vocabularies have some megabytes; what is larger is of other frameworks. */
const MAX_SMALL_BYTES = 64 * 2 ** 20;

/** A pipeline in an offer. */
export interface OfferedPipeline {
  /** Its folder in the source, with a slash at the end; empty at the top. */
  readonly root: string;
  readonly networks: readonly OfferedFile[];
  readonly others: readonly OfferedFile[];
}

/**
 * The pipeline that an offer is, or that is in the folder `named`; null where there is none. Weights in other formats are
 * left out, and found out of the ONNX files where those have theirs outside.
 */
export function pipelineIn(offer: Offer, named: string | null): OfferedPipeline | null {
  const wanted = named?.replace(/^(\.?\/)+|\/+$/g, "") ?? null;
  const roots = offer.files
    .filter(({ path }) => path.endsWith(`/${MODEL_INDEX}`) || path === MODEL_INDEX)
    .map(({ path }) => folderOf(path))
    .filter((root) => NEEDED_NETWORKS.every((part) => fileIn(offer, root + networkFile(part))));
  const chosen = wanted === null ? roots : roots.filter((root) => root === `${wanted}/`);
  const [root] = chosen;
  if (root === undefined || chosen.length > 1) return null;
  const networks = NETWORKS.flatMap((part) => fileIn(offer, root + networkFile(part)) ?? []);
  const configs = NETWORKS.map((part) => `${part}/config.json`);
  const others = offer.files.filter(({ path, size }) => {
    if (!path.startsWith(root) || (size ?? 0) > MAX_SMALL_BYTES) return false;
    const inside = path.slice(root.length);
    const [folder = "", file, ...deeper] = inside.split("/");
    const isSmallPart = file !== undefined && deeper.length === 0 && SMALL_PARTS.includes(folder);
    return inside === MODEL_INDEX || configs.includes(inside) || isSmallPart;
  });
  return { root, networks, others };
}

/** Fills the staging folder; returns lines that tell what was found. Throws Unusable for files that are not ONNX. */
export async function assemblePipeline(
  { root, networks, others }: OfferedPipeline,
  offer: Offer,
  staging: Staging,
): Promise<string[]> {
  const wanted = (file: OfferedFile): Wanted => {
    const to = join(staging.model, file.path.slice(root.length));
    if (to.startsWith(join(staging.model, "/"))) return { file, to };
    throw new Unusable(`${offer.label} is refused: ${file.path} leads out of it`);
  };
  await offer.fetch([...others, ...networks].map(wanted));
  const lines: string[] = [];
  for (const network of networks) {
    const { to } = wanted(network);
    const kind = await whatItIs(to);
    if (kind !== null) throw new Unusable(`${network.path} ${kind}`);
    const weights = await findWeights({ offer, chosen: network }, to);
    await offer.fetch(weights.map(wanted));
    const bytes = [network, ...weights].map((file) => Bun.file(wanted(file).to).size);
    const size = formatBytes(bytes.reduce((sum, each) => sum + each, 0));
    lines.push(`${network.path.slice(root.length)}, ${size}`);
  }
  const index = others.find(({ path }) => path === root + MODEL_INDEX);
  const stated = index ? await fetchLicense({ offer, chosen: index, staging }) : null;
  return [...lines, `license: ${describeLicense(undefined, stated, offer.label)}`];
}

const fileIn = (offer: Offer, path: string): OfferedFile | undefined =>
  offer.files.find((file) => file.path === path);
