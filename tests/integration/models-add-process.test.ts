/** `models add` as a program: exit codes, signals, and the variables for proxies and certificate authorities. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CommandRun } from "../support/command-run.ts";
import { DownloadServer } from "../support/download-server.ts";
import { onnxFile } from "../support/onnx-files.ts";
import { MAIN, runProgram } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const ONNX = onnxFile(300_000);
const openssl = Bun.which("openssl");

async function add(run: CommandRun, args: readonly string[], env = {}) {
  const cwd = run.folder;
  const child = Bun.spawn([process.execPath, MAIN, "models", "add", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  const [out, err] = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  return {
    child,
    result: async () => ({ code: await child.exited, out: await out, err: await err }),
  };
}

test("a model is added to the default workspace, which is made; progress is no part of the result", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m.onnx", { bytes: onnxFile(2 ** 21) });
  const { result } = await add(run, [`${server.origin}/m.onnx`, "--name", "mine"]);
  const { code, out, err } = await result();
  expect(out).toStartWith("added models/mine\n  m.onnx, 2.0 MiB\n  license: unknown");
  expect(err).toBe("m.onnx: 2.0 MiB of 2.0 MiB (100 %)\n");
  expect(code).toBe(0);
});

test("failures exit with 1, wrong command lines with 2", async () => {
  await using run = await CommandRun.create();
  for (const [args, message, code] of [
    [["absent.onnx"], "neither a file nor a folder here", 1],
    [[], "<source> is missing", 2],
    [["a.onnx", "--name", "a b"], "--name is", 2],
    [["my", "model.onnx"], "put quotes around", 2],
  ] as const) {
    const done = await runProgram(MAIN, ["models", "add", ...args]);
    expect([done.err.includes(message), done.code]).toEqual([true, code]);
  }
  expect(await run.files()).toEqual([]);
});

test("SIGINT in the middle leaves no model, and a later call continues", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/m.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
  });
  const url = `${server.origin}/m.onnx`;
  const { child, result } = await add(run, [url]);
  const arrived = async () =>
    (await run.files()).some((file) => file.includes("downloads/") && !file.endsWith(".json")) &&
    (await largest(run)) === 100_000;
  await waitFor("the first bytes", arrived);
  child.kill("SIGINT");
  const { code, out, err } = await result();
  expect([code, out]).toEqual([130, ""]);
  expect(err).toContain("interrupted\nwhat was downloaded is kept in");
  expect(await readdir(run.path("workspace/models"))).toEqual([".partial"]);
  server.file("/m.onnx", { bytes: ONNX });
  expect((await (await add(run, [url])).result()).code).toBe(0);
  expect(server.ranges("/m.onnx").at(-1)).toBe("bytes=100000-");
  expect(await run.files()).toEqual(["m/m.onnx", "m/model.json"]);
});

test("SIGKILL in the middle leaves no model, and a later call continues", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.on("/m.onnx", (_request, response) => {
    response.writeHead(200, { "content-length": ONNX.length, etag: '"one"' });
    response.write(ONNX.subarray(0, 100_000));
  });
  const { child, result } = await add(run, [`${server.origin}/m.onnx`]);
  await waitFor("the first bytes", async () => (await largest(run)) === 100_000);
  child.kill("SIGKILL");
  await result();
  server.file("/m.onnx", { bytes: ONNX });
  expect((await (await add(run, [`${server.origin}/m.onnx`])).result()).code).toBe(0);
  expect(server.ranges("/m.onnx").at(-1)).toBe("bytes=100000-");
  expect(await run.files()).toEqual(["m/m.onnx", "m/model.json"]);
});

test("HTTP_PROXY and NO_PROXY are honoured", async () => {
  await using run = await CommandRun.create();
  await using server = await DownloadServer.start();
  server.file("/m.onnx", { bytes: ONNX });
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(200, { "content-length": ONNX.length }).end(ONNX);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const url = `${server.origin}/m.onnx`;
  const through = await (await add(run, [url, "--name", "a"], { HTTP_PROXY })).result();
  const past = await (
    await add(run, [url, "--name", "b"], { HTTP_PROXY, NO_PROXY: "127.0.0.1" })
  ).result();
  proxy.close();
  expect([through.code, past.code]).toEqual([0, 0]);
  expect(asked).toEqual([url]);
  expect(server.requests.length).toBe(1);
});

test.skipIf(openssl === null)(
  "certificates are checked, against the authorities that the usual variables name (needs openssl)",
  async () => {
    await using run = await CommandRun.create();
    const [key, cert] = [run.path("key.pem"), run.path("cert.pem")];
    Bun.spawnSync([
      ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
      ...["-keyout", key, "-out", cert, "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ]);
    await using server = await DownloadServer.start({
      key: await Bun.file(key).text(),
      cert: await Bun.file(cert).text(),
    });
    server.file("/m.onnx", { bytes: ONNX });
    const url = `${server.origin}/m.onnx`;
    const refused = await (await add(run, [url])).result();
    expect(refused.err).toContain("its certificate is self-signed");
    expect(refused.code).toBe(1);
    for (const name of [
      "NODE_EXTRA_CA_CERTS",
      "SSL_CERT_FILE",
      "REQUESTS_CA_BUNDLE",
      "CURL_CA_BUNDLE",
    ]) {
      const model = name.toLowerCase();
      const { code, err } = await (
        await add(run, [url, "--name", model], { [name]: cert })
      ).result();
      expect([name, code, err]).toEqual([name, 0, expect.any(String)]);
    }
    const absent = await (await add(run, [url], { CURL_CA_BUNDLE: "/none" })).result();
    expect(absent.err).toContain("CURL_CA_BUNDLE names a file that cannot be read");
  },
);

/** The size of the largest file below the workspace's models. */
async function largest(run: CommandRun): Promise<number> {
  const sizes = (await run.files()).map(
    (file) => Bun.file(run.path("workspace/models", file)).size,
  );
  return Math.max(0, ...sizes);
}

test("a workspace that cannot be written to is named in plain words", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("a.onnx"), ONNX);
  await Bun.write(run.path("workspace/models"), "not a folder");
  const { result } = await add(run, ["a.onnx"]);
  const { code, err } = await result();
  expect(err).toMatch(/workspace\/models\S*: a file is where a folder should be\n$/);
  expect(code).toBe(1);
});
