/** The fallbacks that streams may name. */
import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fallbackPictures } from "../../../../src/engine/protocol/fallbacks.ts";
import type { Question } from "../../../../src/engine/protocol/messages.ts";
import { WorkerError } from "../../../../src/errors.ts";
import { Fallbacks } from "../../../../src/server/streams/fallbacks.ts";

/** A workspace with these files in its folder `fallbacks`, which the caller disposes. */
async function workspaceWith(...files: string[]) {
  const path = await mkdtemp(join(tmpdir(), "fallbacks-"));
  await mkdir(join(path, "fallbacks"));
  for (const file of files) await Bun.write(join(path, "fallbacks", file), "a picture");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** Fallbacks whose engine answers every question as `answer` says. */
function fallbacksOf(workspace: string, answer: () => Promise<unknown> = async () => []) {
  const asked: Question[] = [];
  const scheduler = {
    ask: (question: Question) => {
      asked.push(question);
      return answer();
    },
  };
  return { asked, fallbacks: new Fallbacks({ workspace, scheduler }) };
}

test("the built-in fallbacks come first, then the pictures by their names, as the folder is now", async () => {
  await using workspace = await workspaceWith(
    ...["logo.PNG", "break.jpeg", "break.webp", "notes.txt", ".hidden.png", "hold.png", "png"],
    `${"n".repeat(65)}.png`,
  );
  const { fallbacks } = fallbacksOf(workspace.path);
  const builtIn = ["default", "passthrough", "hold"];
  expect(await fallbacks.names()).toEqual([...builtIn, "break", "logo"]);
  await Bun.write(join(workspace.path, "fallbacks", "new.webp"), "a picture");
  expect(await fallbacks.names()).toEqual([...builtIn, "break", "logo", "new"]);
  // Of two files with one name the one whose kind is listed first is shown.
  const paths = await fallbackPictures(workspace.path);
  expect(paths.get("break")).toEndWith("break.jpeg");
});

test("a workspace without the folder has the built-in fallbacks", async () => {
  const { fallbacks } = fallbacksOf("/nonexistent");
  expect(await fallbacks.names()).toEqual(["default", "passthrough", "hold"]);
});

test("a name that does not exist is refused with those that do, and no engine is asked", async () => {
  await using workspace = await workspaceWith("logo.png");
  const { asked, fallbacks } = fallbacksOf(workspace.path);
  for (const name of ["lgoo", "logo.png", "../logo", "DEFAULT"]) {
    await expect(fallbacks.check(name, null)).rejects.toMatchObject({
      kind: "invalid_request",
      message: expect.stringContaining("available: default, passthrough, hold, logo"),
      details: [{ field: "fallback" }],
    });
  }
  expect(asked).toEqual([]);
});

test("an engine judges a picture, and built-in fallbacks need none", async () => {
  await using workspace = await workspaceWith("logo.png");
  const { asked, fallbacks } = fallbacksOf(workspace.path);
  for (const name of [undefined, "default", "passthrough", "hold"]) {
    await fallbacks.check(name, null);
  }
  expect(asked).toEqual([]);
  await fallbacks.check("logo", null);
  expect(asked).toEqual([{ kind: "fallback", name: "logo" }]);

  const broken = fallbacksOf(workspace.path, () =>
    Promise.reject(new WorkerError("invalid_request", "broken")),
  );
  await expect(broken.fallbacks.check("logo", null)).rejects.toThrow("broken");
  const absent = fallbacksOf(workspace.path, () =>
    Promise.reject(new WorkerError("engine_unavailable", "none")),
  );
  await absent.fallbacks.check("logo", null);
});
