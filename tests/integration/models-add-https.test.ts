/** `models add` from URLs: resumed downloads, redirects, and servers that cut, lie or refuse. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { download } from "../../src/workspace/http/download.ts";
import { Requester } from "../../src/workspace/http/requester.ts";
import { createProgress } from "../../src/workspace/progress.ts";
import { CommandRun } from "../support/command-run.ts";
import { DownloadServer } from "../support/download-server.ts";
import { onnxFile, onnxFileWithWeightsIn } from "../support/onnx-files.ts";
import { buildZip } from "../support/zip-builder.ts";

setDefaultTimeout(30_000);

const ONNX = onnxFile(300_000);
const sha256 = createHash("sha256").update(ONNX).digest("hex");
const added = (run: CommandRun, name: string) =>
  Bun.file(run.path("workspace/models", name)).bytes();

const silent = createProgress({ write() {} });
const { signal } = new AbortController();

/** A download by itself, with short waits. */
const fetchTo = (path: string, url: string, options = {}) =>
  download(new Requester({ env: {} }), {
    url: new URL(url),
    path,
    label: "it",
    progress: silent,
    signal,
    retryDelaysMs: [1, 1],
    ...options,
  });

test("a file is downloaded, checked and named after the last part of its URL", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/nets/my%20net.onnx", { bytes: ONNX });
  await run.add(`${server.origin}/nets/my%20net.onnx?token=x#part`, { sha256 });
  expect(await added(run, "my-net/my net.onnx")).toEqual(ONNX);
  expect(await run.files()).toEqual(["my-net/model.json", "my-net/my net.onnx"]);
});

test("a cut connection is continued at the byte where it was cut, within one call", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m.onnx", { bytes: ONNX, cuts: [100_000, 50_000] });
  await fetchTo(run.path("it"), `${server.origin}/m.onnx`);
  expect(await Bun.file(run.path("it")).bytes()).toEqual(ONNX);
  expect(server.ranges("/m.onnx")).toEqual([undefined, "bytes=100000-", "bytes=150000-"]);
});

test("a call that failed is continued by the next, which is told where the bytes are", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/m.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
    server.on("/m.onnx", (_, refused) => void refused.writeHead(403).end());
    setTimeout(() => response.socket?.destroy(), 50);
  });
  const url = `${server.origin}/m.onnx`;
  await expect(run.add(url)).rejects.toThrow(
    /the server forbids it[\s\S]*what was downloaded is kept in \S+\.partial\/\w+: the same command continues/,
  );
  expect((await run.files()).every((file) => file.startsWith(".partial/"))).toBe(true);
  server.file("/m.onnx", { bytes: ONNX });
  await run.add(url);
  expect(server.ranges("/m.onnx").at(-1)).toBe("bytes=100000-");
  expect(await added(run, "m/m.onnx")).toEqual(ONNX);
  expect(await run.files()).toEqual(["m/m.onnx", "m/model.json"]);
  expect(existsSync(run.path("workspace/models/.partial"))).toBe(false);
});

test("a file that changed meanwhile, or whose server knows no ranges, is downloaded from the beginning", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  const other = onnxFile(400_000);
  server.on("/changed", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
    server.file("/changed", { bytes: other, etag: '"two"' });
    setTimeout(() => response.socket?.destroy(), 50);
  });
  server.file("/plain", { bytes: ONNX, ranges: "ignored", cuts: [100_000] });
  server.file("/anonymous", { bytes: ONNX, etag: null, cuts: [100_000] });
  server.file("/unsized", { bytes: ONNX, length: null, cuts: [100_000] });
  await fetchTo(run.path("changed"), `${server.origin}/changed`);
  expect(await Bun.file(run.path("changed")).bytes()).toEqual(other);
  for (const name of ["plain", "anonymous", "unsized"]) {
    await fetchTo(run.path(name), `${server.origin}/${name}`);
    expect(await Bun.file(run.path(name)).bytes()).toEqual(ONNX);
  }
  expect(server.ranges("/anonymous")).toEqual([undefined, undefined]);
  expect(server.ranges("/unsized")).toEqual([undefined, "bytes=100000-"]);
});

test("a server that sends ranges of another file, whatever it is asked, does not mix the two", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  for (const [path, other, etag] of [
    ["/longer", onnxFile(400_000), '"one"'],
    ["/as-long", ONNX.toReversed(), '"two"'],
  ] as const) {
    server.on(path, (_request, response) => {
      response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
      response.write(ONNX.subarray(0, 100_000));
      server.file(path, { bytes: other, etag, ranges: "unconditional" });
      setTimeout(() => response.socket?.destroy(), 50);
    });
    await fetchTo(run.path(path), `${server.origin}${path}`);
    expect(await Bun.file(run.path(path)).bytes()).toEqual(other);
    expect(server.ranges(path)).toEqual([undefined, "bytes=100000-", undefined]);
  }
});

test("a finished download is asked for one byte, and taken again if the file has shrunk", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m", { bytes: ONNX });
  const url = `${server.origin}/m`;
  await fetchTo(run.path("it"), url);
  await fetchTo(run.path("it"), url);
  expect(server.ranges("/m").at(-1)).toBe(`bytes=${ONNX.length - 1}-`);
  const shorter = ONNX.subarray(0, 1000);
  server.on("/m", (_request, response) => {
    server.file("/m", { bytes: shorter });
    response.writeHead(416).end();
  });
  await fetchTo(run.path("it"), url);
  expect(await Bun.file(run.path("it")).bytes()).toEqual(shorter);
});

test("a server that cuts every connection without progress is given up, as is one that stalls or fails", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/cut", (_request, response) => void response.socket?.destroy());
  server.on("/busy", (_request, response) => void response.writeHead(503).end());
  server.on("/stalls", (_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("x");
  });
  const get = (path: string) =>
    fetchTo(run.path("it"), `${server.origin}${path}`, { stallMs: 100 });
  await expect(get("/cut")).rejects.toThrow("it closed the connection");
  await expect(get("/busy")).rejects.toThrow("the server answered 503");
  await expect(get("/stalls")).rejects.toThrow("nothing arrived for 0.1 s");
  expect(server.ranges("/busy").length).toBe(3);
});

test("what another attempt would meet again is an error at once", async () => {
  await using run = await CommandRun.create();
  const server = await DownloadServer.start();
  const { origin } = server;
  await server[Symbol.asyncDispose]();
  const waits = { retryDelaysMs: [60_000] };
  await expect(fetchTo(run.path("it"), `${origin}/x`, waits)).rejects.toThrow(
    "it refused the connection",
  );
});

test("a slow server is waited for as long as something arrives", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/slow", async (_request, response) => {
    response.writeHead(200);
    for (let at = 0; at < 5; at++) {
      response.write("x");
      await Bun.sleep(60);
    }
    response.end();
  });
  await fetchTo(run.path("it"), `${server.origin}/slow`, { stallMs: 200 });
  expect(await Bun.file(run.path("it")).text()).toBe("xxxxx");
});

test("refusals say what to do: not found, a login, a page in place of the file", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/login.onnx", (_request, response) => void response.writeHead(401).end());
  server.on(
    "/page.onnx",
    (_request, response) => void response.end("<!doctype html><title>Hi</title>"),
  );
  server.on("/packed.onnx", (_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(Bun.gzipSync(ONNX));
  });
  for (const [path, message] of [
    ["/none.onnx", "none.onnx at http://127.0.0.1"],
    ["/none.onnx", "(404): it does not exist"],
    ["/login.onnx", "(401): it wants a login"],
    ["/page.onnx", 'is a web page ("Hi")'],
    ["/packed.onnx", "compressed with gzip"],
  ] as const)
    await expect(run.add(`${server.origin}${path}`)).rejects.toThrow(message);
  await expect(run.add("https://user:pass@127.0.0.1/x")).rejects.toThrow("with a login is refused");
  await expect(run.add("http://192.0.2.1/x.onnx")).rejects.toThrow("use https://");
  expect(await run.files()).toEqual([]);
});

test("a wrong checksum is an error that leaves nothing", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m.onnx", { bytes: ONNX.toReversed() });
  await expect(run.add(`${server.origin}/m.onnx`, { sha256 })).rejects.toThrow(
    `expected ${sha256}; it was changed on the way or at its source`,
  );
  expect(await run.files()).toEqual([]);
});

test("a file that cannot fit is refused by the length it claims", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/huge.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": String(2 ** 50) });
    response.write("x");
  });
  await expect(run.add(`${server.origin}/huge.onnx`)).rejects.toThrow(
    /not enough space in .*1048576\.0 GiB are needed and .* are free; make room, or choose another --workspace/,
  );
  expect(await run.files()).toEqual([]);
});

test("redirects are followed five times, to files as well as to siblings with weights", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  for (const at of [1, 2, 3, 4]) server.redirect(`/${at}`, `/${at + 1}`);
  server.redirect("/get.onnx", "/1");
  server.redirect("/5", "/6");
  server.file("/6", { bytes: ONNX });
  await expect(run.add(`${server.origin}/get.onnx`)).rejects.toThrow("redirects more than 5 times");
  server.file("/5", { bytes: ONNX });
  await run.add(`${server.origin}/get.onnx`);
  expect(await run.files()).toEqual(["get/get.onnx", "get/model.json"]);
});

test("weights in another file are fetched from beside it", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/nets/big.onnx", { bytes: onnxFileWithWeightsIn("big data.bin") });
  const missing = run.add(`${server.origin}/nets/big.onnx`);
  await expect(missing).rejects.toThrow("big data.bin at http://127.0.0.1");
  server.file("/nets/big%20data.bin", { bytes: new Uint8Array(16) });
  await run.add(`${server.origin}/nets/big.onnx`);
  expect(await run.files()).toEqual(["big/big data.bin", "big/big.onnx", "big/model.json"]);
});

test("an archive is downloaded once, also if its file is only named in the second call", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  const entries = ["a.onnx", "b.onnx"].map((name) => ({ name, content: ONNX }));
  server.file("/nets.zip", { bytes: buildZip(entries) });
  const url = `${server.origin}/nets.zip`;
  await expect(run.add(url)).rejects.toThrow(/name one with --file[\s\S]*is kept in/);
  await run.add(url, { file: "b.onnx" });
  expect(server.ranges("/nets.zip")[1]).toMatch(/^bytes=\d+-$/);
  await run.add(`${url}:a.onnx`);
  expect(await run.files()).toEqual(["a/a.onnx", "a/model.json", "b/b.onnx", "b/model.json"]);
});

test("two calls that download the same do not write over each other", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m.onnx", { bytes: ONNX });
  const url = `${server.origin}/m.onnx`;
  const results = await Promise.allSettled([
    run.add(url, { name: "a" }),
    run.add(url, { name: "b" }),
  ]);
  const failures = results.filter(({ status }) => status === "rejected");
  expect(failures.length).toBe(1);
  expect(String((failures[0] as PromiseRejectedResult).reason)).toContain("another models add");
  expect((await run.files()).length).toBe(2);
});

test("a call that is aborted leaves its bytes and no model", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/m.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
    setTimeout(() => run.stop.abort(new Error("interrupted")), 100);
  });
  await expect(run.add(`${server.origin}/m.onnx`)).rejects.toThrow("interrupted");
  const partial = run.path("workspace/models/.partial");
  const [folder = ""] = await readdir(partial);
  const downloads = await readdir(join(partial, folder, "downloads"));
  const bytes = downloads.filter((name) => !name.endsWith(".json"));
  expect(statSync(join(partial, folder, "downloads", bytes[0] ?? "")).size).toBe(100_000);
  expect(await readdir(run.path("workspace/models"))).toEqual([".partial"]);
});
