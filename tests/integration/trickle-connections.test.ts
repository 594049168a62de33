/** How long a connection to the embedded trickle server may be silent, over real sockets. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { Elysia } from "elysia";
import { AccessPolicy } from "../../src/server/http/access/access-policy.ts";
import { listen } from "../../src/server/http/listen.ts";
import { trickleRoutes } from "../../src/server/http/routes/trickle-routes.ts";
import { TrickleServer } from "../../src/trickle/server/trickle-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(40_000);

/** The sockets' clock ticks every four seconds. */
const IDLE_SECONDS = 1;

/** A connection that sends `text`, and reads what it is answered. */
function connection(port: number, text: string) {
  const seen = { answer: "", closed: false };
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (bytes) => {
    seen.answer += bytes;
  });
  socket.on("close", () => {
    seen.closed = true;
  });
  socket.on("error", () => {}); // it was closed
  socket.write(text);
  return { seen, leave: () => socket.destroy() };
}

test("a connection is closed some time after its trickle request was answered, and never while one waits", async () => {
  using trickle = new TrickleServer({ autoCreate: true });
  const app = new Elysia().use(trickleRoutes(new AccessPolicy({}), trickle, IDLE_SECONDS));
  const listener = listen(app, { host: "127.0.0.1", port: 0, idleSeconds: IDLE_SECONDS });
  const port = listener.port ?? 0;
  const request = (line: string, rest = "") =>
    connection(port, `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${rest}\r\n`);
  const body = "Content-Length: 5\r\n\r\nabcde";
  const posted = request("POST /trickle/a/0", body);
  await waitFor("the segment", () => posted.seen.answer !== "");
  const answered = {
    "POST of a segment": posted,
    "POST of a channel": request("POST /trickle/b", "Content-Length: 0\r\n"),
    next: request("GET /trickle/a/next"),
    "a segment": request("GET /trickle/a/0"),
    "a segment that is gone": request("GET /trickle/a/9999"),
    "no channel": request("GET /trickle/none/0"),
    DELETE: request("DELETE /trickle/c"),
  };
  const waiting = {
    reader: request("GET /trickle/a/1"),
    publisher: request("POST /trickle/a/1", "Transfer-Encoding: chunked\r\n"),
  };
  const open = () =>
    Object.entries(answered).flatMap(([name, { seen }]) => (seen.closed ? [] : [name]));
  await waitFor("all that were answered to be closed", () => open().length === 0, 20_000).catch(
    () => {}, // the next line names those that are open
  );
  expect(open()).toEqual([]);
  const status = Object.values(answered).map(({ seen }) => seen.answer.slice(9, 12));
  expect(status).toEqual(["200", "200", "200", "200", "470", "404", "400"]);
  expect(Object.values(waiting).map(({ seen }) => seen.closed)).toEqual([false, false]);
  for (const { leave } of Object.values(waiting)) leave();
  await listener.stop(true);
});
