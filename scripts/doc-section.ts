/** Writes a section of a page in docs/ that a command makes from its own results. */
import { join } from "node:path";

const DOCS = join(import.meta.dir, "../docs");

/**
 * Replaces what stands between `<!-- begin: name -->` and `<!-- end: name -->` in a page of docs/. Throws if the page has no
 * such section.
 */
export const writeDocSection = (page: string, name: string, markdown: string): Promise<void> =>
  editDoc(page, (text) => withSection(text, name, markdown));

/** Replaces the text of a page in docs/. */
export async function editDoc(page: string, edit: (text: string) => string): Promise<void> {
  await Bun.write(pathOf(page), edit(await textOf(page)));
}

/** What a section of a page in docs/ has now. Throws if the page has no such section. */
export const docSection = async (page: string, name: string): Promise<string> =>
  sectionOf(await textOf(page), name);

const pathOf = (page: string): string => join(DOCS, page);
const textOf = (page: string): Promise<string> => Bun.file(pathOf(page)).text();

/** The page with another section. Throws if it has none of that name. */
export function withSection(page: string, name: string, markdown: string): string {
  const { from, to } = bounds(page, name);
  const text = markdown.trim();
  return `${page.slice(0, from)}\n${text === "" ? "" : `${text}\n\n`}${page.slice(to)}`;
}

/** What stands in a section. Throws if the page has none of that name. */
export function sectionOf(page: string, name: string): string {
  const { from, to } = bounds(page, name);
  return page.slice(from, to).trim();
}

function bounds(page: string, name: string): { from: number; to: number } {
  const [begin, end] = [`<!-- begin: ${name} -->\n`, `<!-- end: ${name} -->`];
  const at = page.indexOf(begin);
  const to = page.indexOf(end, at);
  if (at < 0 || to < 0) throw new Error(`the page has no section "${name}": add ${begin}${end}`);
  return { from: at + begin.length, to };
}

const inCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A table in Markdown, its columns as wide as the formatter makes them. Cells are one line each. */
export function docTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(inCell));
  const widths = head.map((_, n) => Math.max(3, ...lines.map((cells) => (cells[n] ?? "").length)));
  const [first = "", ...others] = lines.map(
    (cells) => `| ${widths.map((width, n) => (cells[n] ?? "").padEnd(width)).join(" | ")} |`,
  );
  return [first, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others].join(
    "\n",
  );
}
