/** Cuts a version's notes out of CHANGELOG.md. */

/** The text below the heading that names the version, such as `## [0.1.0]` or `## [Unreleased] 0.1.0`. */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m);
  const section = sections.find((text) =>
    text
      .split("\n", 1)[0]
      ?.split(/[\s[\]]+/)
      .includes(version),
  );
  if (section === undefined) throw new Error(`CHANGELOG.md has no section for ${version}`);
  const text = section.slice(section.indexOf("\n")).trim();
  if (text === "") throw new Error(`CHANGELOG.md says nothing about ${version}`);
  return `# ${version}\n\n${withoutRelativeLinks(text)}\n`;
}

/** Leaves the text of links to files of the repository, which a release does not hold. */
const withoutRelativeLinks = (text: string): string =>
  text.replace(/\[([^\]]*)\]\((?!https?:)[^)]*\)/g, "$1");
