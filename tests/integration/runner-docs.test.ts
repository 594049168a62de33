/** Runs the calls of a client that docs/live-runner.md shows, in their order, against a runner behind a simulated orchestrator. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { commandsOf } from "../support/doc-commands.ts";
import { runnerServer } from "../support/live-runner/runner-server.ts";

setDefaultTimeout(30_000);

/** Assignments of the example's values; the rest of the page's commands are settings and other programs. */
const isCall = (text: string): boolean => /^(curl|ORCH=|APP=)/.test(text);

test("the calls of a client that docs/live-runner.md shows do what it says", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const commands = commandsOf("docs/live-runner.md").filter(({ text }) => isCall(text));
  const mark = "@@";
  const lines = commands.map(({ text }) => {
    const own = text
      .replace("https://orchestrator:8935", running.orchestrator.url)
      .replace("comfystream-k3v9x0a2bd", running.runner.id);
    // A reader takes it out of the answer above.
    const url = `$(grep -o '"app_url":"[^"]*"' reserved | cut -d'"' -f4)`;
    if (text.startsWith("APP=")) return `APP=${url}`;
    return own.includes('/session" -d') ? `${own} | tee reserved` : own;
  });
  const shell = Bun.spawn(
    [
      "bash",
      "-c",
      `set -eu -o pipefail; cd "$(mktemp -d)"
      curl() { command curl -sS --fail-with-body "$@"; }
      ${lines.map((line) => `echo '${mark}'\n${line}`).join("\n")}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const [out, errors, code] = await Promise.all([
    shell.stdout.text(),
    shell.stderr.text(),
    shell.exited,
  ]);
  const printed = out.split(`${mark}\n`).slice(1);
  expect({ code, errors, last: code === 0 ? "" : printed.at(-1) }).toEqual({
    code: 0,
    errors: "",
    last: "",
  });
  const answerTo = (path: string) =>
    JSON.parse(printed[commands.findIndex(({ text }) => text.includes(`$APP${path}"`))] ?? "");
  expect(answerTo("/stream")).toMatchObject({ status: "active", metadata: { room_id: "room:1" } });
  expect(answerTo("/update").params.prompts).toEqual([{ prompt: "a charcoal drawing" }]);
  expect(answerTo("/pause").status).toBe("paused");
  expect(answerTo("/resume").status).toBe("active");
  expect(answerTo("/stats").session.status).toBe("active");
  expect(answerTo("/stop")).toMatchObject({ reason: "the show is over", already_stopped: false });
});
