/** A batch job takes its place before its body is read (contract.md): over real HTTP, as bodies are under way. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { listen } from "../../src/server/http/listen.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const MIB = 1024 * 1024;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function serve(options: Parameters<typeof testServer>[0]) {
  const { app, admission, scheduler, close } = testServer(options);
  const server = listen(app, { host: "127.0.0.1", port: 0 });
  await scheduler.ready(5000);
  open.push(async () => {
    await close();
    await server.stop(true);
  });
  return { port: server.port ?? 0, admission };
}

/** Sends a job's head and `sent` bytes of its body, and collects what comes back. */
function halfJob(
  port: number,
  length: number,
  sent: number,
): { socket: Socket; answer: () => string } {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => {}); // the server may close first
  socket.write(
    `POST /c/comfystream-image HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${" ".repeat(sent)}`,
  );
  open.push(async () => socket.destroy());
  return { socket, answer: () => answer };
}

test("a full server refuses a job without waiting for its body", async () => {
  const { port, admission } = await serve({ maxStreams: 1 });
  using _taken = admission.take();
  const { answer } = halfJob(port, 31 * MIB, 1000);
  await waitFor("the refusal", () => answer().includes("at_capacity"), 2000);
  expect(answer()).toStartWith("HTTP/1.1 503");
});

test("a client that sends all of a refused body gets the refusal, not a broken connection", async () => {
  const { port, admission } = await serve({ maxStreams: 1 });
  using _taken = admission.take();
  for (let n = 0; n < 3; n++) {
    const body = JSON.stringify({ image: "x".repeat(31 * MIB) });
    const answer = await fetch(`http://127.0.0.1:${port}/c/comfystream-image`, {
      method: "POST",
      body,
    });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "at_capacity" });
  }
});

test("a body that does not come holds its place until the job's deadline, and no longer", async () => {
  const { port, admission } = await serve({ maxStreams: 1, batchTimeoutMs: 300 });
  const { answer } = halfJob(port, 31 * MIB, 1000);
  await waitFor("its place", () => admission.taken === 1);
  await waitFor("the deadline", () => answer().includes("--batch-timeout"));
  expect(answer()).toStartWith("HTTP/1.1 504");
  await waitFor("the place back", () => admission.taken === 0);
});

test.each([
  ["large", 31 * MIB, 1000],
  ["small", 1000, 10],
])(
  "a caller that leaves while it sends a %s body gives the place back",
  async (_, length, sent) => {
    const { port, admission } = await serve({ maxStreams: 1 });
    const { socket } = halfJob(port, length, sent);
    await waitFor("its place", () => admission.taken === 1);
    socket.destroy();
    await waitFor("the place back", () => admission.taken === 0, 3000);
  },
);
