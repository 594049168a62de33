/** `models add hf:…` against a server that answers as the Hugging Face hub does, by HF_ENDPOINT. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { CommandRun } from "../support/command-run.ts";
import { DownloadServer } from "../support/download-server.ts";
import { COMMIT, large, sha256, small, startHub } from "../support/hub-server.ts";
import { onnxFile } from "../support/onnx-files.ts";

setDefaultTimeout(30_000);

const ONNX = onnxFile(300_000);
const CARD = new TextEncoder().encode("---\nlicense: apache-2.0\n---\n# A net\n");

test("a repository's only network is added under the repository's name, with its license", async () => {
  await using run = await CommandRun.create();
  await using hub = await startHub({ "onnx/model.onnx": ONNX, "README.md": CARD });
  await run.add("hf:owner/net", {}, hub.env);
  expect(await run.files()).toEqual(["net/model.json", "net/model.onnx"]);
  expect(await Bun.file(run.path("workspace/models/net/model.onnx")).bytes()).toEqual(ONNX);
  expect(run.printed.join("\n")).toContain("license: mit");
});

test("a token is sent to the hub and not to where it redirects", async () => {
  await using run = await CommandRun.create();
  await using hub = await startHub({ "a.onnx": ONNX });
  await run.add("hf:owner/net", {}, { ...hub.env, HF_TOKEN: "hf_secret" });
  const sent = (server: DownloadServer) => [
    ...new Set(server.requests.map(({ headers }) => headers.authorization)),
  ];
  expect(sent(hub.server)).toEqual(["Bearer hf_secret"]);
  expect(sent(hub.cdn)).toEqual([undefined]);
  await expect(run.add("hf:owner/net", {}, { ...hub.env, HF_TOKEN: "x" })).rejects.toThrow(
    "HF_TOKEN is not a token of Hugging Face",
  );
});

test("a revision and a path choose; several networks are listed", async () => {
  await using run = await CommandRun.create();
  const files = { "onnx/model.onnx": ONNX, "onnx/my model.onnx": onnxFile(1000) };
  await using hub = await startHub(files, { revision: "v1.0" });
  await expect(run.add("hf:owner/net@v1.0", {}, hub.env)).rejects.toThrow(
    "hf:owner/net has 2 ONNX files",
  );
  await run.add("hf:owner/net@v1.0:onnx/my model.onnx", {}, hub.env);
  expect(await run.files()).toEqual(["my-model/model.json", "my-model/my model.onnx"]);
});

test("addresses of the hub's pages mean the repository, its folder or its file", async () => {
  await using run = await CommandRun.create();
  const files = { "onnx/model.onnx": ONNX, "other/my model.onnx": onnxFile(1000) };
  await using hub = await startHub(files);
  await run.add("https://huggingface.co/owner/net/blob/main/onnx/model.onnx", {}, hub.env);
  await run.add(
    "https://huggingface.co/owner/net/resolve/main/other/my%20model.onnx?download=true",
    {},
    hub.env,
  );
  await run.add("https://hf.co/owner/net/tree/main/onnx/", { name: "third" }, hub.env);
  await expect(run.add("https://huggingface.co/owner/net", {}, hub.env)).rejects.toThrow(
    "2 ONNX files",
  );
  expect((await run.files()).filter((file) => file.endsWith(".onnx"))).toEqual([
    "my-model/my model.onnx",
    "net/model.onnx",
    "third/model.onnx",
  ]);
});

test("the hub's checksums are verified: SHA-256 of large files, git's id of small ones", async () => {
  await using run = await CommandRun.create();
  const other = ONNX.toReversed();
  const files = { "a.onnx": ONNX, LICENSE: CARD };
  for (const [entries, message] of [
    [[large("a.onnx", other)], "a.onnx has the wrong checksum: its SHA-256 is"],
    [[small("a.onnx", other)], "a.onnx has the wrong checksum: its git blob id is"],
    [
      [small("a.onnx", ONNX), small("LICENSE", CARD.toReversed())],
      "LICENSE has the wrong checksum",
    ],
    [
      [large("a.onnx", ONNX.subarray(1))],
      `a.onnx has ${ONNX.length} bytes, but ${ONNX.length - 1}`,
    ],
  ] as const) {
    await using hub = await startHub(files, { entries: [...entries] });
    await expect(run.add("hf:owner/net", {}, hub.env)).rejects.toThrow(message);
    expect(await run.files()).toEqual([]);
  }
  await using hub = await startHub(files, { entries: [small("a.onnx", ONNX)] });
  await expect(run.add("hf:owner/net", { sha256: sha256(other) }, hub.env)).rejects.toThrow(
    "SHA-256",
  );
  await run.add("hf:owner/net", { sha256: sha256(ONNX) }, hub.env);
});

test("a download that was interrupted is continued, also if the branch has moved on", async () => {
  await using run = await CommandRun.create();
  await using hub = await startHub({ "a.onnx": ONNX });
  hub.cdn.on("/a.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
    hub.cdn.on("/a.onnx", (_, refused) => void refused.writeHead(403).end());
    setTimeout(() => response.socket?.destroy(), 50);
  });
  await expect(run.add("hf:owner/net", {}, hub.env)).rejects.toThrow("the same command continues");
  hub.cdn.file("/a.onnx", { bytes: ONNX });
  await run.add("hf:owner/net", {}, hub.env);
  expect(hub.cdn.requests.at(-1)?.headers.range).toBe("bytes=100000-");
  expect(await run.files()).toEqual(["a/a.onnx", "a/model.json"]);
});

test("paths that lead out of a repository are refused", async () => {
  await using run = await CommandRun.create();
  const json = new TextEncoder().encode('{"file": "a.onnx", "description": "../../../escaped"}');
  const files = { "a.onnx": ONNX, "model.json": json };
  const escaped = small("../../../escaped", ONNX);
  const entries = [large("a.onnx", ONNX), small("model.json", json), escaped];
  await using hub = await startHub(files, { entries });
  await expect(run.add("hf:owner/net", {}, hub.env)).rejects.toThrow("a path that leads out of it");
  expect(await run.files()).toEqual([]);
});

test("a long list of files is read to its end, and the token is not sent where it may lead", async () => {
  await using run = await CommandRun.create();
  await using hub = await startHub({ "a.onnx": ONNX });
  hub.server.on(`/api/models/owner/net/tree/${COMMIT}`, (_request, response) => {
    const link = `<${hub.cdn.origin}/second>; rel="next"`;
    response.writeHead(200, { "content-type": "application/json", link });
    response.end(JSON.stringify([small("README.md", CARD)]));
  });
  hub.cdn.json("/second", [large("a.onnx", ONNX)]);
  hub.server.redirect(`/owner/net/resolve/${COMMIT}/README.md`, `${hub.cdn.origin}/README.md`);
  hub.cdn.file("/README.md", { bytes: CARD });
  await run.add("hf:owner/net", {}, { ...hub.env, HF_TOKEN: "hf_secret" });
  expect(await run.files()).toEqual(["a/a.onnx", "a/model.json"]);
  expect(hub.cdn.requests[0]?.path).toBe("/second");
  expect(hub.cdn.requests[0]?.headers.authorization).toBeUndefined();
});

test("a repository that is private, gated or absent is explained, with and without a token", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  const env = { HF_ENDPOINT: server.origin };
  server.on("/api/models/owner/net/revision/main", (_request, response) => {
    response.writeHead(401, { "content-type": "application/json" }).end('{"error":"Invalid"}');
  });
  await expect(run.add("hf:owner/net", {}, env)).rejects.toThrow(
    "hf:owner/net does not exist or may not be read (401): check its name; if it is private or gated, set HF_TOKEN",
  );
  await expect(run.add("hf:owner/net", {}, { ...env, HF_TOKEN: "hf_x" })).rejects.toThrow(
    "that the account of HF_TOKEN may read it",
  );
  await expect(run.add("hf:owner/net@dev", {}, env)).rejects.toThrow(
    "hf:owner/net has no revision dev, or does not exist (404)",
  );
  await expect(run.add("hf:net", {}, env)).rejects.toThrow("is not of the form hf:owner/name");
  await expect(run.add("hf:owner/net", {}, { HF_ENDPOINT: "http://192.0.2.1" })).rejects.toThrow(
    "use https://",
  );
  expect(await run.files()).toEqual([]);
});
