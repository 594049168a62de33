/** `bun run audit` against a registry of our own, which answers as npm's does. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { judge } from "../../scripts/audit/advisories.ts";
import { ALLOWED } from "../../scripts/audit/allowed.ts";

const AUDIT = join(import.meta.dir, "../../scripts/audit.ts");

const advisory = (severity: string, name: string) => ({
  id: 1,
  url: `https://github.com/advisories/${name}`,
  title: "Something bad",
  severity,
  vulnerable_versions: "<99.0.0",
});

let close = () => {};
afterEach(() => close());

/** Runs the command against a registry with this answer. */
async function audit(answer: () => Response): Promise<{ out: string; code: number }> {
  const asked: string[] = [];
  const registry = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      asked.push(new URL(request.url).pathname);
      return answer();
    },
  });
  close = () => void registry.stop(true);
  const child = Bun.spawn([process.execPath, AUDIT], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_config_registry: registry.url.href },
  });
  const result = { out: await child.stdout.text(), code: await child.exited };
  expect([...new Set(asked)]).toEqual(["/-/npm/v1/security/advisories/bulk"]);
  return result;
}

test("a high advisory on a package that is shipped fails, a moderate one is reported", async () => {
  const { out, code } = await audit(() =>
    Response.json({
      elysia: [advisory("high", "GHSA-high")],
      preact: [advisory("moderate", "GHSA-moderate")],
    }),
  );
  expect(out).toContain("fails: high: elysia <99.0.0: Something bad (GHSA-high)");
  expect(out).toContain("reported: moderate: preact");
  expect(out).toEndWith("0 passed, 1 failed\n");
  expect(code).toBe(1);
});

test("without advisories it passes", async () => {
  const { out, code } = await audit(() => Response.json({}));
  expect(out).toEndWith("1 passed, 0 failed\n");
  expect(code).toBe(0);
});

test.each([405, 404, 500])(
  "a registry that answers %d skips it, and is not named",
  async (status) => {
    const { out, code } = await audit(() => new Response("no", { status }));
    expect(out).toContain(`the registry gives no advisories (`);
    expect(out).toContain(String(status));
    expect(out).not.toContain("127.0.0.1");
    expect(out).toEndWith("0 passed, 0 failed, 1 skipped\n");
    expect(code).toBe(0);
  },
);

test("an allowed advisory passes until its day, and fails from then on", () => {
  const found = { elysia: [advisory("critical", "GHSA-one")] };
  const allowed = [{ advisory: "GHSA-one", reason: "not reachable", until: "2027-01-31" }];
  expect(judge(found, allowed, "2027-01-31")[0]).toMatchObject({
    verdict: "allowed",
    note: "not reachable (until 2027-01-31)",
  });
  expect(judge(found, allowed, "2027-02-01")[0]?.verdict).toBe("fails");
  expect(judge(found, [], "2027-01-01")[0]?.verdict).toBe("fails");
});

test("every allowance has a reason and a day", () => {
  for (const { advisory: name, reason, until } of ALLOWED) {
    expect(name).toMatch(/^GHSA-/);
    expect(reason.length).toBeGreaterThan(20);
    expect(until).toMatch(/^20\d\d-[01]\d-[0-3]\d$/);
  }
});
