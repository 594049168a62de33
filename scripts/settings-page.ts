/** `bun run settings-page`: writes the table of docs/settings.md anew, after a change of settings. */
import { parseArgs } from "node:util";
import { settingTexts } from "../src/config.ts";
import { commandLine } from "./command-line.ts";
import { docTable, writeDocSection } from "./doc-section.ts";

/** The table: one setting a row. */
export function settingsTable(): string {
  const code = (text: string): string => (text === "" ? "" : `\`${text}\``);
  const rows = settingTexts().map(({ flag, variable, meaning, fallback }) => [
    code(variable),
    code(flag),
    meaning,
    code(fallback),
  ]);
  return docTable(["Variable", "Flag", "Meaning", "Default"], rows);
}

if (import.meta.main) {
  commandLine("settings-page", "usage: bun run settings-page", () => parseArgs({}));
  await writeDocSection("settings.md", "settings", settingsTable());
}
