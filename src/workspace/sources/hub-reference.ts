/** Reads references to repositories of the Hugging Face hub: `hf:…`, and addresses of its pages. */
import { CommandError } from "../failures.ts";

export const HUB_SYNTAX = "hf:owner/name[@revision][:path]";

export interface Repository {
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

export interface HubReference {
  readonly repository: Repository;
  readonly inside: string | null;
}

/** Null for an argument that is not about the hub. Throws CommandError for one that is not of that form. */
export const readHubReference = (argument: string): HubReference | null =>
  fromReference(argument) ?? fromPage(argument);

function fromReference(argument: string): HubReference | null {
  if (!/^hf:/i.test(argument)) return null;
  const [, name, revision = "main", inside = null] =
    /^hf:(?:\/\/)?([\w.-]+\/[\w.-]+)(?:@([^:\s]+))?(?::(.+))?$/i.exec(argument) ?? [];
  if (name === undefined) throw new CommandError(`${argument} is not of the form ${HUB_SYNTAX}`);
  return { repository: { name, revision }, inside };
}

/** The address of a repository or of a file in it, as the browser shows it. */
function fromPage(argument: string): HubReference | null {
  const [, path] = /^https:\/\/(?:huggingface\.co|hf\.co)\/([^?#]+)/i.exec(argument) ?? [];
  const [owner, name, view, revision, ...inside] = (path?.replace(/\/+$/, "") ?? "")
    .split("/")
    .map(decode);
  const isNamed = [owner, name].every((part) => /^[\w.-]+$/.test(part ?? ""));
  if (!isNamed || /^(datasets|spaces|api|docs|models)$/.test(owner ?? "")) return null;
  const repository = { name: `${owner}/${name}`, revision: revision ?? "main" };
  if (view === undefined) return { repository, inside: null };
  if (!/^(blob|resolve|raw|tree)$/.test(view)) return null;
  return { repository, inside: inside.length > 0 ? inside.join("/") : null };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not UTF-8: as it is written
  }
}
