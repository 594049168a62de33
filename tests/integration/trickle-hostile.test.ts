/** Peers that take all they can of the embedded trickle server, beside streams of the server's own. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { api, collect, enginePid } from "../support/live-stream.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const MIB = 1024 * 1024;

/** Creates channels with names that go-livepeer never sweeps; returns how many were accepted. */
async function fillChannels(trickle: string, count: number): Promise<number> {
  let accepted = 0;
  for (let n = 0; n < count; n++) {
    const { status } = await fetch(`${trickle}/_hostile-${n}`, { method: "POST" });
    if (status === 200) accepted++;
    else expect(status).toBe(429);
  }
  return accepted;
}

/** Stores segments of 31 MiB until the server has no memory left for them. */
async function fillMemory(trickle: string): Promise<void> {
  const body = new Uint8Array(31 * MIB);
  for (let n = 0; n < 12; n++) {
    const url = `${trickle}/_hostile-${Math.floor(n / 4)}/${n % 4}`;
    const { status } = await fetch(url, { method: "POST", body });
    if (status === 507) return;
    expect(status).toBe(200);
  }
  throw new Error("the memory was never full");
}

/** Opens connections that never come to an end: silent POSTs, half-sent ones, and readers that wait. */
function openConnections(port: number, count: number): Socket[] {
  const head = (method: string, path: string) =>
    `${method} /trickle/${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
  const chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const kinds = [
    (n: number) => head("POST", `_hostile-${n % 90}/9`) + chunked,
    (n: number) => `${head("POST", `_hostile-${n % 90}/8`)}${chunked}1000\r\nhalf of it`,
    (n: number) => `${head("GET", `_hostile-${n % 90}/-1`)}\r\n`,
    // Not even the head is whole.
    (n: number) => head("POST", `_hostile-${n % 90}/7`),
  ];
  return Array.from({ length: count }, (_, n) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(kinds[n % kinds.length]?.(n) ?? "");
    return socket;
  });
}

test("128 hostile channels, a full memory and 200 half-open connections leave own streams publishing", async () => {
  await using server = await startServer(MAIN);
  await enginePid(server.url);
  const trickle = `${server.url}/trickle`;
  const stop = new AbortController();
  const { start, stream } = api(server.url);
  const params = { model: "identity", width: 128, height: 96, fps: 10 };
  const before = await start({ ...params, stream_url: `${trickle}/before` });
  const firstOutput = collect(`${trickle}/before`, stop.signal);
  await waitFor("the first stream's segments", () => firstOutput.segments.length >= 2, 20_000);

  expect(await fillChannels(trickle, 128)).toBe(96);
  await fillMemory(trickle);
  const sockets = openConnections(server.port, 200);
  const connected = () => sockets.filter((socket) => !socket.connecting).length;
  await waitFor("all connections", () => connected() === sockets.length);

  const after = await start({ ...params, stream_url: `${trickle}/after` });
  const secondOutput = collect(`${trickle}/after`, stop.signal);
  const enough = firstOutput.segments.length + 3;
  await waitFor(
    "segments of both",
    () => firstOutput.segments.length >= enough && secondOutput.segments.length >= 3,
    20_000,
  );
  for (const { segments } of [firstOutput, secondOutput])
    expect(segments.every(({ complete, bytes }) => complete && bytes.length > 0)).toBe(true);
  const seqs = firstOutput.segments.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, n) => n));
  for (const id of [before, after]) {
    const { status, stats } = await stream(id);
    expect({ status, restarts: stats.restarts }).toEqual({ status: "active", restarts: 0 });
    expect(stats.fps_out).toBeGreaterThan(5);
  }
  for (const socket of sockets) socket.destroy();
  stop.abort();
});
