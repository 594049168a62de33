/** Compares docs/live-runner.md with what the program declares. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { RUNNER_STATUS } from "../../../src/server/protocols/live-runner/app/runner-errors.ts";
import {
  SESSION_FIXED_FIELDS,
  SessionUpdateFields,
} from "../../../src/server/protocols/live-runner/app/session-fields.ts";
import { SessionMetadata } from "../../../src/server/protocols/live-runner/app/session-metadata.ts";
import { UsageRecord } from "../../../src/server/protocols/live-runner/app/usage-record.ts";
import { CHANGING_FIELDS, FIXED_FIELDS } from "../../../src/server/streams/fields.ts";
import { SHOWN_REASONS } from "../../../src/server/streams/usage.ts";
import { Settings } from "../../../src/settings.ts";

const ROOT = join(import.meta.dir, "../../..");
const page = readFileSync(join(ROOT, "docs/live-runner.md"), "utf8");

/** The part of the page below this heading. */
const section = (heading: string): string =>
  page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
/** Rows of the section's table, without its header, each as its cells. */
const rowsOf = (heading: string): string[][] =>
  section(heading)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.split("|").slice(1, -1));
const names = (cell = ""): string[] => [...cell.matchAll(/`([\w-]+)`/g)].map(([, one = ""]) => one);

test("every error code is listed with its status", () => {
  const listed = rowsOf("Errors").flatMap(([status = "", codes]) =>
    names(codes).map((code) => [code, Number(status)] as const),
  );
  expect(Object.fromEntries(listed)).toEqual(RUNNER_STATUS);
});

test("the reasons for which something else than the model's pictures is shown are listed", () => {
  const words = SHOWN_REASONS.map((reason) => `\`${reason}\``);
  const listed = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  expect(page).toContain(listed);
  expect(readFileSync(join(ROOT, "docs/api.md"), "utf8")).toContain(listed);
});

test("every setting of the live runner is listed", () => {
  const variable = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  const own = Object.keys(Settings.properties).filter((key) =>
    /^(runner|orchMode|orchTls|orchCa)/.test(key),
  );
  const listed = rowsOf("Settings").flatMap(([variables]) => names(variables));
  expect(listed.toSorted()).toEqual(own.map(variable).toSorted());
});

test("every field of a start that other streams do not have is explained, and every metadata label", () => {
  const fields = [...Object.keys(SessionUpdateFields.properties), ...SESSION_FIXED_FIELDS];
  const own = fields.filter((name) => ![...CHANGING_FIELDS, ...FIXED_FIELDS].includes(name));
  const explained = rowsOf("Start").flatMap((cells) => cells.flatMap(names));
  for (const name of [...own, ...Object.keys(SessionMetadata.properties)])
    expect(explained).toContain(name);
});

test("every member of a usage record is explained", () => {
  const explained = names(section("Pause and stop"));
  const labels = Object.keys(SessionMetadata.properties);
  const own = Object.keys(UsageRecord.properties).filter((name) => !labels.includes(name));
  for (const name of own) expect(explained).toContain(name);
});

test("every log line of the page is one of the program", async () => {
  const folder = join(ROOT, "src/server/protocols/live-runner");
  const sources = [...new Glob("**/*.ts").scanSync(folder)].map((file) =>
    readFileSync(join(folder, file), "utf8"),
  );
  const program = sources.join("\n");
  for (const [cell = ""] of rowsOf("Log messages")) {
    const line = cell.trim().replaceAll("`", "");
    expect({ line, isLogged: program.includes(line) }).toEqual({ line, isLogged: true });
  }
});
