/** `bun run notice`: writes NOTICE anew, after a change of dependencies. */
import { join } from "node:path";
import { npmPackages } from "./notice/npm-packages.ts";
import { renderNotice } from "./notice/render-notice.ts";

await Bun.write(join(import.meta.dir, "../NOTICE.md"), renderNotice(await npmPackages()));
