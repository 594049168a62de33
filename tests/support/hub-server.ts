/** A server that answers as the Hugging Face hub does, for one repository. */
import { createHash } from "node:crypto";
import { DownloadServer } from "./download-server.ts";

export const COMMIT = "c".repeat(40);

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const gitOid = (bytes: Uint8Array) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** Large files are in LFS and named by SHA-256, small ones in git. */
export const large = (path: string, bytes: Uint8Array) => ({
  type: "file",
  path,
  size: bytes.length,
  oid: "0".repeat(40),
  lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 },
});
export const small = (path: string, bytes: Uint8Array) => ({
  type: "file",
  path,
  size: bytes.length,
  oid: gitOid(bytes),
});

export interface Hub extends AsyncDisposable {
  readonly server: DownloadServer;
  readonly env: Record<string, string>;
}

/** A hub with one repository, `owner/net`, of which every file is served from a content network of another origin. */
export async function startHub(
  files: Readonly<Record<string, Uint8Array>>,
  options: { entries?: object[]; cardData?: object; revision?: string } = {},
): Promise<Hub & { readonly cdn: DownloadServer }> {
  const server = await DownloadServer.start();
  const cdn = await DownloadServer.start();
  const { revision = "main", cardData = { license: "mit" } } = options;
  server.json(`/api/models/owner/net/revision/${revision}`, {
    _id: "1",
    id: "owner/net",
    sha: COMMIT,
    private: false,
    gated: false,
    likes: 0,
    downloads: 0,
    lastModified: "2026-01-01T00:00:00.000Z",
    cardData,
  });
  const entries = Object.entries(files).map(([path, bytes]) =>
    path.endsWith(".onnx") ? large(path, bytes) : small(path, bytes),
  );
  server.json(`/api/models/owner/net/tree/${COMMIT}`, options.entries ?? entries);
  for (const [path, bytes] of Object.entries(files)) {
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    server.redirect(`/owner/net/resolve/${COMMIT}/${encoded}`, `${cdn.origin}/${encoded}?signed=1`);
    cdn.file(`/${encoded}`, { bytes });
  }
  return {
    server,
    cdn,
    env: { HF_ENDPOINT: `${server.origin}/` },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await cdn[Symbol.asyncDispose]();
    },
  };
}
