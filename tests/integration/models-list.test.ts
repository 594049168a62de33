/** `models list`: from a running server, from an engine of its own, as a table and as JSON; and the command line of `models`. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { CommandRun } from "../support/command-run.ts";
import { FAKE_SERVER, MAIN, runProgram, startServer } from "../support/server-process.ts";

setDefaultTimeout(30_000);

/** Nothing of ours listens there. */
const NOBODY = ["--port", "1", "--host", "127.0.0.1"];

test("without a server the workspace is read: a row a model, and why a broken one is broken", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("workspace/models/torn/model.json"), "{");
  const workspace = run.path("workspace");
  const { out, code } = await runProgram(MAIN, [
    "models",
    "list",
    ...NOBODY,
    "--workspace",
    workspace,
  ]);
  expect(out).toMatch(/^name +state +source +license +parameters\n/);
  expect(out).toMatch(/\nthermal +cold +built-in +- +palette, gain, shift\n/);
  expect(out).toMatch(/\ntorn +failed +models\/torn /);
  expect(out).toContain("\n\ntorn: model torn cannot be used: model.json is not valid JSON");
  expect(code).toBe(0);
});

test("a running server is asked, with its token, and named; --json prints its answer", async () => {
  await using server = await startServer(FAKE_SERVER, [], { API_TOKEN: "secret" });
  const args = ["models", "list", "--json", "--port", `${server.port}`, "--host", "127.0.0.1"];
  const { out, err, code } = await runProgram(MAIN, args, { API_TOKEN: "secret" });
  expect(err).toBe(
    `the models of the server at http://127.0.0.1:${server.port}, from the workspace it was started with:\n`,
  );
  const answer = await fetch(`${server.url}/models`, {
    headers: { Authorization: "Bearer secret" },
  });
  expect(JSON.parse(out)).toEqual(await answer.json());
  expect(code).toBe(0);
  const refused = await runProgram(MAIN, args);
  expect(refused.err).toContain("set API_TOKEN");
  expect(refused.code).toBe(1);
});

test("a list that is longer than a pipe holds is printed whole", async () => {
  await using run = await CommandRun.create();
  const text = "x".repeat(1000);
  for (let at = 0; at < 200; at++)
    await Bun.write(run.path(`workspace/models/m${at}/model.json`), `{"${text}": 1}`);
  const args = ["models", "list", "--json", ...NOBODY, "--workspace", run.path("workspace")];
  const { out, code } = await runProgram(MAIN, args);
  const { count } = JSON.parse(out) as { count: number };
  expect(count).toBeGreaterThan(200);
  expect(code).toBe(0);
});

test("another program at that port is not mistaken for the server", async () => {
  using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  const args = ["models", "list", "--port", `${other.port}`, "--host", "127.0.0.1"];
  const { out, code } = await runProgram(MAIN, args);
  expect(out).toContain("thermal");
  expect(code).toBe(0);
});

test("a wrong command line exits with 2 and says what there is", async () => {
  for (const [args, message] of [
    [[], "models needs a sub-command; there are list"],
    [["dance"], "unknown: models dance; there are list"],
    [["list", "x"], 'unexpected argument "x"'],
    [["remove"], "<name> is missing"],
    [["list", "--dance", "1"], "unknown flag --dance"],
  ] as const) {
    const { err, code } = await runProgram(MAIN, ["models", ...args]);
    expect(err).toContain(message);
    expect(code).toBe(2);
  }
});

test("models --help describes every sub-command", async () => {
  const { out, code } = await runProgram(MAIN, ["models", "--help"]);
  expect(out).toContain("models list [--json]");
  expect(out).toContain("models remove <name>");
  expect(code).toBe(0);
});
