import { expect, test } from "bun:test";
import { releaseNotes } from "../../../scripts/release/notes.ts";

const CHANGELOG = `# Changelog

About it.

## [Unreleased] 0.2.0

### Added

- New.

## [0.1.0] - 2026-01-01

### Added

- Old.

## [0.0.1]
`;

test("a version's notes are the section that its heading names", () => {
  expect(releaseNotes(CHANGELOG, "0.2.0")).toBe("# 0.2.0\n\n### Added\n\n- New.\n");
  expect(releaseNotes(CHANGELOG, "0.1.0")).toBe("# 0.1.0\n\n### Added\n\n- Old.\n");
});

test("links to files that a release does not hold become their text", () => {
  const changelog =
    "## 1.0.0\n\n- One ([docs/input.md](docs/input.md#formats), [page](https://example.org/a)).\n";
  expect(releaseNotes(changelog, "1.0.0")).toBe(
    "# 1.0.0\n\n- One (docs/input.md, [page](https://example.org/a)).\n",
  );
});

test("a version without notes cannot be released", () => {
  expect(() => releaseNotes(CHANGELOG, "1.0.0")).toThrow("has no section for 1.0.0");
  expect(() => releaseNotes(CHANGELOG, "0.0.1")).toThrow("says nothing about 0.0.1");
});
