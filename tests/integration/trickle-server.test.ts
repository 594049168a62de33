/** What only sockets show of the embedded server: readers that are slow, and readers that leave. */
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

test("a reader that does not read holds neither the writer nor memory that is needed", async () => {
  await using host = hostTrickle({ maxTotalBytes: 80 * MIB });
  const url = host.url("a");
  await post(url, 0, 16 * MIB);
  const socket = await deafReader(host.port, "a/0");
  for (let seq = 1; seq < 12; seq++) expect((await post(url, seq, 15 * MIB)).status).toBe(200);
  expect(host.server.bytes).toBeLessThanOrEqual(80 * MIB);
  socket.destroy();
});

test("a reader that leaves, waiting or in mid-segment, frees what was kept for it", async () => {
  await using host = hostTrickle();
  const url = host.url("b");
  await post(url, 0, 16 * MIB);
  const waiting = await deafReader(host.port, "b/1");
  const reading = await deafReader(host.port, "b/0");
  for (let seq = 2; seq < 7; seq++) await post(url, seq, 1);
  expect(host.server.bytes).toBeGreaterThan(16 * MIB);
  waiting.destroy();
  reading.destroy();
  await waitFor("its memory is free", () => host.server.bytes < MIB, 2000);
});

test("disposing answers every request under way that the channel is closed", async () => {
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
