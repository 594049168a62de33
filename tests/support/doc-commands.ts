/** Reads the shell commands that a page of the documentation shows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

export interface DocCommand {
  /** As it stands in the page, without the comment behind it. */
  readonly text: string;
  /** What the page says it prints: the comment line below it, if that is JSON. */
  readonly prints: string | null;
}

/** The commands of all bash blocks of a page, in order. */
export function commandsOf(page: string): DocCommand[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const blocks = [...text.matchAll(/^```bash\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  return blocks.flatMap(commandsIn);
}

function commandsIn(block: string): DocCommand[] {
  const commands: DocCommand[] = [];
  let open = "";
  for (const line of block.split("\n")) {
    if (open === "" && line.startsWith("# ")) {
      const last = commands.pop();
      if (last) commands.push({ ...last, prints: /^# ([{[].*)$/.exec(line)?.[1] ?? last.prints });
      continue;
    }
    const bare = line.replace(/\s{2,}# .*$/, "");
    open += open === "" ? bare : `\n${bare}`;
    if (open.trim() === "" || goesOn(open)) continue;
    commands.push({ text: open, prints: null });
    open = "";
  }
  if (open.trim() !== "") throw new Error(`a command does not end: ${open}`);
  return commands;
}

/** True within quotes, and after a backslash, a pipe or an operator at the end of the line. */
const goesOn = (text: string): boolean =>
  (text.match(/'/g)?.length ?? 0) % 2 === 1 || /(\\|\||&&)$/.test(text);
