/** What /health tells load balancers and containers, with engines that fail on demand. */
import { expect, test } from "bun:test";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

const start = (channel: string) => ({
  prompts: [{ prompt: "x" }],
  stream_url: `http://127.0.0.1:9/${channel}`,
});

/** Statuses of /health and of each of its checks. */
async function statuses(server: ReturnType<typeof testServer>) {
  const ask = async (query: string) => (await server.ask("GET", `/health${query}`)).status;
  return {
    plain: await ask(""),
    live: await ask("?check=live"),
    ready: await ask("?check=ready"),
    capacity: await ask("?check=capacity"),
  };
}

test("live, ready and has-capacity are told apart", async () => {
  const server = testServer({ maxStreams: 1 });
  try {
    expect(await statuses(server)).toEqual({ plain: 200, live: 200, ready: 503, capacity: 503 });
    await server.scheduler.ready(5000);
    expect(await statuses(server)).toEqual({ plain: 200, live: 200, ready: 200, capacity: 200 });
    const { body } = await server.ask("POST", "/stream/start", start("a"));
    expect(await statuses(server)).toEqual({ plain: 200, live: 200, ready: 200, capacity: 503 });
    expect((await server.ask("GET", "/health")).body).toMatchObject({
      live: true,
      ready: true,
      has_capacity: false,
      healthy: true,
      draining: false,
      capacity: 1,
      used: 1,
    });
    await server.ask("DELETE", `/stream/${body.manifest_id}`);
    expect(await statuses(server)).toEqual({ plain: 200, live: 200, ready: 200, capacity: 200 });
    expect(await server.ask("GET", "/health?check=well")).toMatchObject({
      status: 400,
      body: { details: [{ field: "check" }] },
    });
  } finally {
    await server.close();
  }
  // All engines have ended by now.
  expect(await statuses(server)).toEqual({ plain: 503, live: 200, ready: 503, capacity: 503 });
  expect((await server.ask("GET", "/health")).body).toMatchObject({ draining: true });
});

test("health does not flap while an engine with streams is killed and replaced", async () => {
  const server = testServer({ maxStreams: 12 });
  try {
    await server.scheduler.ready(5000);
    for (let n = 0; n < 10; n++) {
      await server.ask("POST", "/stream/start", start(`steady-${n}`));
    }
    const [engine] = server.scheduler.engines;
    process.kill(engine?.pid ?? 0, "SIGKILL");
    const seen = new Set<string>();
    let asked = 0;
    await waitFor("another engine", async () => {
      const { status, body } = await server.ask("GET", "/health");
      const { ready, healthy, has_capacity, capacity, used } = body;
      seen.add(JSON.stringify([status, { ready, healthy, has_capacity, capacity, used }]));
      asked++;
      const [now] = server.scheduler.engines;
      return now?.state === "ready" && now.pid !== engine?.pid;
    });
    expect(asked).toBeGreaterThan(3);
    const figures = { ready: true, healthy: true, has_capacity: true, capacity: 12, used: 10 };
    expect([...seen]).toEqual([JSON.stringify([200, figures])]);
  } finally {
    await server.close();
  }
});
