import { expect, test } from "bun:test";
import { docSection } from "../../scripts/doc-section.ts";
import { settingsTable } from "../../scripts/settings-page.ts";

test("docs/settings.md has the settings that the program declares: bun run settings-page writes them", async () => {
  expect(await docSection("settings.md", "settings")).toBe(settingsTable());
});
