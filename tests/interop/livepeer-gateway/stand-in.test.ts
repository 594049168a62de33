/** Tests the simulated orchestrator against livepeer-gateway's runner and client, which were written for the real ones. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { StandInOrchestrator } from "../../support/live-runner/stand-in.ts";
import { waitFor } from "../../support/wait-for.ts";
import { installGateway, PythonPeer } from "./python-peer.ts";

setDefaultTimeout(30_000);

const packages = installGateway();
const APP = "test/echo";

for (const dialect of ["go-livepeer", "livepeer-node"] as const) {
  const title = `livepeer-gateway's runner and client work with the simulated ${dialect}`;
  if (packages.kind !== "installed") {
    test.skip(`${title} (no livepeer-gateway: ${packages.why})`, () => {});
    continue;
  }

  test.concurrent(title, async () => {
    await using orchestrator = await StandInOrchestrator.start({ dialect, intervalMs: 500 });
    await using runner = new PythonPeer(packages, "runner");
    await using client = new PythonPeer(packages, "client");
    const { url, secret } = orchestrator;
    const registered = await runner.do("register", { orchestrator: url, secret, app: APP });
    expect(registered).toMatchObject({ interval: 0.5, ttl: orchestrator.dialect.ttlMs / 1000 });

    const { session_id: id } = await client.do("reserve", { orchestrator: url, app: APP });
    await waitFor("the runner hears of it", () => runner.with("reserved").length > 0);
    expect(runner.with("reserved")).toEqual([{ reserved: id }]);

    const started = await client.do("post", { path: "/stream", payload: {} });
    expect(started).toMatchObject({ internal: true, removed: ["spare"] });
    await client.do("read", { url: started["out"] });
    await client.do("publish", { url: started["in"], width: 160, height: 120, fps: 20, gop: 0.25 });
    await waitFor("30 frames come back", () => client.with("frame").length >= 30);
    const { frames, failed } = await client.do("finish");
    expect(failed).toBe(0);
    expect(await client.do("ended")).toMatchObject({ video: frames.video });
    const shown = client.with("frame").map(({ shows }) => shows);
    expect(shown).toEqual([...shown.keys()]); // every picture once

    await waitFor("another beat", () => orchestrator.calls.of("heartbeat").length >= 3);
    await client.do("stop");
    await waitFor("the runner hears of it", () => runner.with("released").length > 0);
    await runner.do("leave");
    expect(orchestrator.registry.runners.size).toBe(0);
  });

  test.concurrent(`a session that livepeer-gateway's runner releases is gone for its client of ${dialect}`, async () => {
    await using orchestrator = await StandInOrchestrator.start({ dialect });
    await using runner = new PythonPeer(packages, "runner");
    await using client = new PythonPeer(packages, "client");
    const { url, secret } = orchestrator;
    await runner.do("register", { orchestrator: url, secret, app: APP, proxy: true });
    const { session_id, app_url } = await client.do("reserve", { orchestrator: url, app: APP });
    expect(app_url).not.toContain(session_id);
    const release = client.do("post", { path: "/release", payload: {} });
    if (dialect === "go-livepeer") {
      expect(await release).toEqual({ released: true });
      await client.do("stop");
      return;
    }
    await expect(release).rejects.toThrow("status 502"); // the release cut the call that made it
    await expect(client.do("stop")).rejects.toThrow("status 404");
  });
}
