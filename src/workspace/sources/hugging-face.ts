/** A source: a repository of the Hugging Face hub, `hf:owner/name[@revision][:path]`, checked by the hub's own checksums. */
import type { HubApiError } from "@huggingface/hub";
import { reason } from "../../errors.ts";
import { EntryRules } from "../archive/archive.ts";
import { type Checksum, requireChecksum } from "../checksum.ts";
import { CommandError, Unusable } from "../failures.ts";
import { requireFreeSpace } from "../free-space.ts";
import { download } from "../http/download.ts";
import { Requester } from "../http/requester.ts";
import { HUB_SYNTAX, type Repository, readHubReference } from "./hub-reference.ts";
import { placeDownload } from "./place.ts";
import {
  findIn,
  type Location,
  type Offer,
  type OfferedFile,
  type Source,
  type SourceContext,
  type Wanted,
} from "./source.ts";

const HUB = "https://huggingface.co";

interface RepositoryFile extends OfferedFile {
  readonly size: number;
  readonly checksum: Checksum;
}

export const huggingFace: Source = {
  syntax: HUB_SYNTAX,
  locate: async (argument): Promise<Location | null> => {
    const found = readHubReference(argument);
    if (found === null) return null;
    const { repository, inside } = found;
    return {
      key: `hf:${repository.name}@${repository.revision}`,
      inside,
      open: (context) => openRepository(repository, context),
    };
  },
};

async function openRepository(repository: Repository, context: SourceContext): Promise<Offer> {
  const { env, staging, progress, signal } = context;
  const label = `hf:${repository.name}`;
  const hubUrl = (env["HF_ENDPOINT"] || HUB).replace(/\/+$/, "");
  if (URL.parse(hubUrl) === null) throw new CommandError(`HF_ENDPOINT is not a URL: ${hubUrl}`);
  const token = env["HF_TOKEN"] || undefined;
  if (token !== undefined && !token.startsWith("hf_"))
    throw new CommandError("HF_TOKEN is not a token of Hugging Face: those begin with hf_");
  const requester = new Requester({ env });
  const { commit, license, files } = await readRepository(repository, {
    hubUrl,
    accessToken: token,
    fetch: hubFetch(requester, { hubUrl, token, signal }),
  }).catch((error) => {
    signal.throwIfAborted();
    throw hubFailure(error, repository, token);
  });

  const fetchOne = async ({ file, to }: Wanted): Promise<void> => {
    const known = findIn(files, file.path) as RepositoryFile | null;
    if (known === null) throw new CommandError(`${label} has no file ${file.path}`);
    const path = staging.download(known.checksum.value);
    const url = new URL(
      [
        hubUrl,
        repository.name,
        "resolve",
        commit,
        ...file.path.split("/").map(encodeURIComponent),
      ].join("/"),
    );
    const size = known.size;
    await download(requester, { url, path, label: file.path, token, size, progress, signal });
    await requireChecksum(path, file.path, known.checksum);
    if (context.checksum && file.path.endsWith(".onnx"))
      await requireChecksum(path, file.path, context.checksum);
    await placeDownload(path, to);
  };

  return {
    label,
    title: repository.name.split("/").at(-1) ?? repository.name,
    files,
    license,
    kind: null,
    find: async (path) => findIn(files, path),
    fetch: async (wanted) => {
      await requireFreeSpace(
        staging.model,
        wanted.reduce((sum, { file }) => sum + (file.size ?? 0), 0),
      );
      for (const one of wanted) await fetchOne(one);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

interface HubAccess {
  readonly hubUrl: string;
  readonly accessToken: string | undefined;
  readonly fetch: typeof fetch;
}

/** Reads the list of files of one commit, so that a push in between cannot mix two versions. */
async function readRepository({ name, revision }: Repository, access: HubAccess) {
  const { modelInfo, listFiles } = await import("@huggingface/hub");
  const { accessToken, ...rest } = access;
  const hub = { ...rest, ...(accessToken === undefined ? {} : { accessToken }) };
  const info = await modelInfo({ ...hub, name, revision, additionalFields: ["sha", "cardData"] });
  const files: RepositoryFile[] = [];
  const rules = new EntryRules(`hf:${name}`);
  for await (const entry of listFiles({
    ...hub,
    repo: name,
    revision: info.sha,
    recursive: true,
  })) {
    if (entry.type !== "file") continue;
    const checksum: Checksum | null = entry.lfs
      ? { kind: "sha256", value: entry.lfs.oid.replace(/^sha256:/, "") }
      : entry.oid
        ? { kind: "git-blob", value: entry.oid }
        : null;
    rules.check({ path: entry.path, kind: "file" });
    if (checksum === null) throw new Unusable(`the hub states no checksum of ${entry.path}`);
    files.push({ path: entry.path, size: entry.lfs?.size ?? entry.size, checksum });
  }
  const { license, license_name: named } = info.cardData ?? {};
  const stated = license === "other" && named ? named : license;
  return {
    commit: info.sha,
    files,
    license: stated === undefined ? null : [stated].flat().join(", "),
  };
}

/** The client's requests, sent by the rules for downloads. Its token goes to the hub alone. */
function hubFetch(
  requester: Requester,
  { hubUrl, token, signal }: { hubUrl: string; token: string | undefined; signal: AbortSignal },
): typeof fetch {
  const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init?.headers));
    delete headers["authorization"];
    const isHub = url.origin === new URL(hubUrl).origin;
    const { response } = await requester.request(url, {
      headers,
      token: isHub ? token : undefined,
      signal,
    });
    return response;
  };
  return Object.assign(send, { preconnect: fetch.preconnect });
}

function hubFailure(
  error: unknown,
  { name, revision }: Repository,
  token: string | undefined,
): Error {
  if (error instanceof CommandError) return error;
  const status =
    error instanceof Error && "statusCode" in error ? (error as HubApiError).statusCode : null;
  const wantsToken =
    token === undefined
      ? "check its name; if it is private or gated, set HF_TOKEN to a token that may read it"
      : "check its name, and that the account of HF_TOKEN may read it (a gated repository wants its terms accepted on the web)";
  if (status === 401 || status === 403)
    return new CommandError(
      `hf:${name} does not exist or may not be read (${status}): ${wantsToken}`,
    );
  if (status === 404)
    return new CommandError(
      `hf:${name} has no revision ${revision}, or does not exist (404): ${wantsToken}`,
    );
  return new CommandError(`hf:${name} cannot be read: ${reason(error)}`, { cause: error });
}
