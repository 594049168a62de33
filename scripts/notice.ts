/** `bun run notice`: writes NOTICE anew, after a change of dependencies. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commandLine } from "./command-line.ts";
import { npmPackages } from "./notice/npm-packages.ts";
import { renderNotice } from "./notice/render-notice.ts";

commandLine("notice", "usage: bun run notice", () => parseArgs({}));
await Bun.write(join(import.meta.dir, "../NOTICE.md"), renderNotice(await npmPackages()));
