/** Checks compose.yaml with docker-compose, which knows the specification's schema. */
import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPOSE_FILE, composeConfig, noDockerCompose } from "../support/docker-compose.ts";

const testCompose = (name: string, body: () => Promise<void>) =>
  noDockerCompose === null ? test(name, body) : test.skip(`${name} (${noDockerCompose})`, body);

const folder = await mkdtemp(join(tmpdir(), "compose-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

testCompose(
  "compose.yaml is valid, and each service is in the profile that its head names",
  async () => {
    const { services } = await composeConfig();
    const profiles = Object.entries(services).map(([name, service]) => [
      name,
      service.profiles ?? [],
    ]);
    expect(Object.fromEntries(profiles)).toEqual({
      worker: [],
      "worker-gpu": ["gpu"],
      orchestrator: ["network"],
      gateway: ["network"],
      prometheus: ["metrics"],
      grafana: ["metrics"],
    });
  },
);

testCompose(
  "deploy/network.env lets the worker register with the orchestrator by its secret",
  async () => {
    const { services } = await composeConfig({ flags: ["--env-file", "deploy/network.env"] });
    const { ORCH_URL, ORCH_SECRET, CAPABILITY_URL } = services["worker"]?.environment ?? {};
    expect(ORCH_URL).toBe("https://orchestrator:8935");
    expect(CAPABILITY_URL).toBe("http://worker:5000");
    expect(services["orchestrator"]?.command).toContain(`-orchSecret=${ORCH_SECRET}`);
    expect(services["orchestrator"]?.command).toContain("-serviceAddr=orchestrator:8935");
  },
);

testCompose("a port is published to this machine only unless BIND says otherwise", async () => {
  const published = Object.values((await composeConfig()).services).flatMap(
    ({ ports = [] }) => ports,
  );
  expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  const { services } = await composeConfig({ env: { BIND: "0.0.0.0", PORT: "6000" } });
  expect(services["worker"]?.ports).toEqual(["0.0.0.0:6000:6000/tcp"]);
  expect(services["worker"]?.environment?.["PORT"]).toBe("6000");
});

testCompose("a misspelt key or an unknown volume in compose.yaml is found", async () => {
  const text = await Bun.file(COMPOSE_FILE).text();
  for (const [right, wrong, named] of [
    ["read_only: true", "readonly: true", "readonly"],
    ["- workspace:/workspace", "- models:/workspace", "models"],
  ] as const) {
    expect(text).toContain(right);
    const file = join(folder, "broken.yaml");
    await Bun.write(file, text.replace(right, wrong));
    expect(await composeConfig({ file }).then(() => "", String)).toContain(named);
  }
});
