import { afterEach, expect, test } from "bun:test";
import { SessionCallbacks } from "../../../../../../src/server/protocols/live-runner/sessions/callbacks.ts";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly body: string;
}

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** An orchestrator that answers every call of a session like this. */
function orchestrator(answer: (call: Call) => Response | Promise<Response>) {
  const calls: Call[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const token = request.headers.get("Livepeer-Session-Token");
      const call = { method: request.method, path: pathname, token, body: await request.text() };
      calls.push(call);
      return await answer(call);
    },
  });
  servers.push(server);
  const control = `http://127.0.0.1:${server.port}/runner/r/session/session-id-1`;
  const callbacks = new SessionCallbacks(
    { control, token: "token-of-it" },
    { rejectUnauthorized: false },
  );
  return { callbacks, calls };
}

const WISH = [{ name: "in", mime_type: "video/mp2t" }];
const failure = async (work: Promise<unknown>) => {
  try {
    await work;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("it did not fail");
};

test("channels are made with the session's token, and returned as they are", async () => {
  const channel = {
    name: "in",
    channel_name: "x-in",
    url: "http://a/x-in",
    mime_type: "video/mp2t",
  };
  const { callbacks, calls } = orchestrator(() => Response.json({ channels: [channel] }));
  expect(await callbacks.createChannels(WISH)).toEqual([channel]);
  expect(calls).toEqual([
    {
      method: "POST",
      path: "/runner/r/session/session-id-1/channels",
      token: "token-of-it",
      body: JSON.stringify({ channels: WISH }),
    },
  ]);
});

test.each([
  ["no JSON", "ok"],
  ["no list", "{}"],
  ["another channel", '{"channels":[{"name":"out","url":"http://a/out"}]}'],
  ["a channel without a URL", '{"channels":[{"name":"in"}]}'],
])("an answer with %s makes no channels", async (_, text) => {
  const { callbacks } = orchestrator(() => new Response(text));
  const message = await failure(callbacks.createChannels(WISH));
  expect(message).toContain("without the channels that were asked for");
});

test("a refusal is quoted without the session's id and token, and without the paths of URLs", async () => {
  const sentence = "session-id-1 with token-of-it is not at http://a.test/ai/trickle/x-in";
  for (const text of [`${sentence}\n`, JSON.stringify({ error: sentence })]) {
    const { callbacks } = orchestrator(() => new Response(text, { status: 401 }));
    const message = await failure(callbacks.createChannels(WISH));
    expect(message).toEndWith("it answered 401: … with … is not at http://a.test");
  }
});

test("an orchestrator that does not answer is reported with the time that it was given", async () => {
  const { callbacks } = orchestrator(() => new Promise<never>(() => {}));
  const [channels, stopped] = await Promise.all([
    failure(callbacks.createChannels(WISH)),
    callbacks.stop(),
  ]);
  expect(channels).toEndWith("channels: it did not answer within 2 s");
  expect(stopped).toEqual({ kind: "failed", message: "it did not answer within 2 s" });
});

test.each([
  [200, "stopped"],
  [204, "stopped"],
  [401, "stopped"],
  [403, "stopped"],
  [404, "stopped"],
  [302, "failed"],
  [429, "failed"],
  [500, "failed"],
])("a stop that is answered with %d has %s", async (status, kind) => {
  const { callbacks } = orchestrator(() => new Response(null, { status }));
  expect((await callbacks.stop()).kind).toBe(kind as never);
});

test("nothing that an orchestrator answers makes the removal of channels fail", async () => {
  const { callbacks, calls } = orchestrator(() => new Response("dead channel", { status: 500 }));
  await callbacks.deleteChannels(["in", "out"]);
  expect(calls).toMatchObject([{ method: "DELETE", body: '{"channels":["in","out"]}' }]);
});

/** Resets the first connections, and answers what comes later with 204. */
function resetting(connections: number) {
  let opened = 0;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        if (++opened <= connections) socket.terminate();
        else socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      },
    },
  });
  const control = `http://127.0.0.1:${server.port}/runner/r/session/s`;
  const callbacks = new SessionCallbacks({ control, token: "t" }, { rejectUnauthorized: false });
  return { callbacks, opened: () => opened, [Symbol.dispose]: () => server.stop(true) };
}

test("a call whose connection broke is sent once more, and not a third time", async () => {
  using once = resetting(1);
  expect(await once.callbacks.stop()).toEqual({ kind: "stopped" });
  using twice = resetting(2);
  expect(await twice.callbacks.stop()).toMatchObject({ kind: "failed" });
  expect([once.opened(), twice.opened()]).toEqual([2, 2]);
});
