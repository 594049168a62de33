/** What only sockets show of the embedded server: peers that are slow, and peers that leave. */
import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

const MIB = 1024 * 1024;

/** A client that sends a GET and never reads the answer. */
async function deafReader(port: number, path: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.pause();
  socket.write(`GET /trickle/${path} HTTP/1.1\r\nHost: test\r\n\r\n`);
  return socket;
}

const post = (url: string, seq: number, size: number) =>
  fetch(`${url}/${seq}`, { method: "POST", body: new Uint8Array(size) });

test("a reader that stops reading blocks neither the writer nor memory that is needed", async () => {
  await using host = hostTrickle({ maxTotalBytes: 80 * MIB });
  const url = host.url("a");
  await post(url, 0, 16 * MIB);
  const socket = await deafReader(host.port, "a/0");
  for (let seq = 1; seq < 12; seq++) expect((await post(url, seq, 15 * MIB)).status).toBe(200);
  expect(host.server.bytes).toBeLessThanOrEqual(80 * MIB);
  socket.destroy();
});

test("a reader that leaves, while waiting or in mid-segment, frees the memory held for it", async () => {
  await using host = hostTrickle();
  const url = host.url("b");
  await post(url, 0, 16 * MIB);
  const waiting = await deafReader(host.port, "b/1");
  const reading = await deafReader(host.port, "b/0");
  for (let seq = 2; seq < 7; seq++) await post(url, seq, 1);
  expect(host.server.bytes).toBeGreaterThan(16 * MIB);
  waiting.destroy();
  reading.destroy();
  await waitFor("its memory is free", () => host.server.bytes < MIB);
});

test("a reader that takes nothing is cut off, one that waits for bytes is not", async () => {
  await using host = hostTrickle({ stallMs: 1000, sweepMs: 20 });
  const url = host.url("d");
  const writing = new TransformStream<Uint8Array, Uint8Array>();
  const posting = fetch(`${url}/0`, { method: "POST", body: writing.readable });
  const writer = writing.writable.getWriter();
  await writer.write(new Uint8Array(1));
  const waiting = (await fetch(`${url}/0`)).bytes();
  await post(url, 1, 30 * MIB);
  const deaf = await deafReader(host.port, "d/1");
  await waitFor("all three are connected", () => host.pending() === 3);
  await waitFor("the cut", () => host.pending() === 2);
  await writer.close();
  expect((await waiting).byteLength).toBe(1);
  expect((await posting).status).toBe(200);
  deaf.destroy();
});

test("a publisher that stops in the middle of a segment that has been closed is cut off", async () => {
  await using host = hostTrickle({ stallMs: 100, sweepMs: 20 });
  const url = host.url("e");
  const socket = connect(host.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += String(data);
  });
  socket.write("POST /trickle/e/0 HTTP/1.1\r\nHost: test\r\n");
  socket.write("Transfer-Encoding: chunked\r\n\r\n100\r\nhalf");
  await waitFor("its first bytes", () => host.server.bytes > 0);
  await fetch(`${url}/0`, { method: "DELETE" });
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  expect(answer).toStartWith("HTTP/1.1 200 OK");
});

test("requests whose peer leaves at any moment are no longer counted", async () => {
  await using host = hostTrickle();
  await post(host.url("f"), 0, MIB);
  const requests = [
    "GET /trickle/f/0 HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /trickle/f/1 HTTP/1.1\r\nHost: test\r\n\r\n",
    "POST /trickle/f/1 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /trickle/f/2 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nhalf",
  ];
  const left = Array.from({ length: 200 }, async (_, n) => {
    const socket = connect(host.port, "127.0.0.1");
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    socket.write(requests[n % requests.length] ?? "");
    await Bun.sleep(Math.random() * 30);
    if (n % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  });
  await Promise.all(left);
  await waitFor("all have been noticed", () => host.server.requests === 0);
});

test("disposing answers all pending requests that the channel is closed", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  await fetch(url, { method: "POST" });
  await post(url, 0, 1);
  const silent = fetch(`${url}/1`, { method: "POST", body: new ReadableStream<Uint8Array>({}) });
  const waiting = fetch(`${url}/1`);
  await waitFor("both have arrived", () => host.pending() === 2);
  host.server[Symbol.dispose]();
  for (const { headers } of [await silent, await waiting]) {
    expect(headers.get("Lp-Trickle-Closed")).toBe("terminated");
  }
  expect([host.server.channels, host.server.bytes]).toEqual([0, 0]);
});
