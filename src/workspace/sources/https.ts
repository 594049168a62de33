/** A source: an https URL of an ONNX file or of an archive. What it is is told by its content. */
import { archiveKind } from "../archive/open-archive.ts";
import { requireChecksum } from "../checksum.ts";
import { CommandError } from "../failures.ts";
import { download } from "../http/download.ts";
import { Requester } from "../http/requester.ts";
import { stemOf } from "../layout.ts";
import { offerArchive } from "./archive.ts";
import { placeDownload } from "./place.ts";
import type { Offer, Source, SourceContext } from "./source.ts";

export const https: Source = {
  syntax: "https://host/file[:path]",
  locate: async (argument) => {
    if (!/^https?:/i.test(argument)) return null;
    const { address, inside } = splitInside(argument);
    const url = URL.parse(address);
    if (url === null || url.hostname === "")
      throw new CommandError(`${JSON.stringify(address)} is not a URL`);
    if (url.username !== "" || url.password !== "")
      throw new CommandError("a URL with a login is refused: it would be stored and shown");
    url.hash = "";
    return { key: url.href, inside, open: (context) => openUrl(url, context) };
  },
};

/** A path inside follows the ending of an archive, e.g. `https://host/models.zip:small.onnx`. */
function splitInside(argument: string): { address: string; inside: string | null } {
  const [, address = argument, inside = null] =
    /^(.*\.(?:zip|whl|tgz|tar\.gz|tar)(?:\?[^:]*)?):([^/].*)$/is.exec(argument) ?? [];
  return { address, inside };
}

async function openUrl(url: URL, context: SourceContext): Promise<Offer> {
  const { env, staging, progress, signal, checksum } = context;
  const requester = new Requester({ env });
  const label = nameIn(url);
  const fetchTo = async (from: URL, name: string): Promise<string> => {
    const path = staging.download(from.href);
    await download(requester, { url: from, path, label: name, progress, signal });
    return path;
  };
  const path = await fetchTo(url, label);
  if (checksum) await requireChecksum(path, label, checksum);
  const kind = await archiveKind(path);
  if (kind !== null) return await offerArchive({ path, kind, label }, context);
  const name = label.endsWith(".onnx") ? label : `${label}.onnx`;
  const sibling = (file: string): URL =>
    new URL(file.split("/").map(encodeURIComponent).join("/"), url);
  return {
    label,
    title: stemOf(label),
    files: [{ path: name, size: Bun.file(path).size }],
    license: null,
    kind: null,
    // External data lies beside the file; whether it is there, its download tells.
    find: async (file) => ({ path: file, size: null }),
    fetch: async (wanted) => {
      for (const { file, to } of wanted) {
        const source = file.path === name ? path : await fetchTo(sibling(file.path), file.path);
        await placeDownload(source, to);
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The file's name in the URL, decoded. */
function nameIn({ pathname, hostname }: URL): string {
  const last = pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last).replace(/[/\\\0]/g, "-") || hostname;
  } catch {
    return last || hostname; // not UTF-8: as it is written
  }
}
