/** Tests the curl commands that the playground shows. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandsFor } from "../../../src/playground/commands.ts";
import { type Draft, FIRST_DRAFT } from "../../../src/playground/draft.ts";
import { promptsOf } from "../../../src/playground/prompts.ts";

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "commands-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const draft: Draft = {
  ...FIRST_DRAFT,
  prompts: promptsOf("a sea"),
  model: "dreamscape",
  values: { seed: 3 },
};

describe("curl lines", () => {
  const context = {
    origin: "http://box:5000",
    channels: "http://127.0.0.1:5000/trickle",
    draft: { ...draft, prompts: promptsOf("it's $HOME `x`") },
    model: null,
    id: "7",
    streamUrl: "http://127.0.0.1:5000/trickle/out",
    inputUrl: "http://127.0.0.1:5000/trickle/in",
    withToken: true,
  };

  test("are quoted for the shell", async () => {
    const [change] = commandsFor(context);
    const script = `curl() { for word; do printf '%s\\0' "$word"; done; }\n${change?.line}`;
    const shell = Bun.spawn(["/bin/sh", "-c", script], { env: { API_TOKEN: "secret" } });
    const words = (await shell.stdout.text()).split("\0");
    expect(words[0]).toBe("http://box:5000/stream/7/params");
    expect(words).toContain("Authorization: Bearer secret");
    expect(JSON.parse(words[words.indexOf("-d") + 1] ?? "")).toMatchObject({
      prompts: [{ prompt: "it's $HOME `x`" }],
      seed: 3,
    });
  });

  test("name the stream's own channel to save from, and its input to start again", () => {
    const lines = new Map(commandsFor(context).map(({ name, line }) => [name, line]));
    expect(lines.get("Save the current segment")).toContain("http://box:5000/trickle/out/-2");
    expect(lines.get("Start another like it")).toContain(
      '"input_url":"http://127.0.0.1:5000/trickle/in"',
    );
    expect(lines.get("Stop it")).toContain("-X DELETE http://box:5000/stream/7");
  });

  test("read a picture from a file, whatever else is in the body", async () => {
    using folder = temporaryFolder();
    const picture = new Uint8Array(200_000).fill(7);
    await Bun.write(`${folder.path}/style_picture.png`, picture);
    const uri = `data:image/png;base64,${Buffer.from(picture).toString("base64")}`;
    const body = { prompts: context.draft.prompts, values: { style_picture: uri } };
    const [change] = commandsFor({ ...context, draft: { ...context.draft, ...body } });
    const script = `curl() { cat; }\n${change?.line}`;
    const shell = Bun.spawn(["/bin/sh", "-c", script], { cwd: folder.path });
    expect(change?.line.length).toBeLessThan(500);
    expect(JSON.parse(await shell.stdout.text())).toMatchObject({
      prompts: [{ prompt: "it's $HOME `x`" }],
      style_picture: uri,
    });
  });
});
