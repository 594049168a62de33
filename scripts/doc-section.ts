/** Writes a section of a page in docs/ that a command makes from its own results. */
import { join } from "node:path";

const DOCS = join(import.meta.dir, "../docs");

/**
 * Replaces what stands between `<!-- begin: name -->` and `<!-- end: name -->` in a page of docs/. Throws if the page has no
 * such section.
 */
export async function writeDocSection(page: string, name: string, markdown: string): Promise<void> {
  const path = join(DOCS, page);
  const text = await Bun.file(path).text();
  await Bun.write(path, withSection(text, name, markdown));
}

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
