/**
 * `bun run audit`: asks the npm registry for advisories on the packages that are shipped. Prints all of them, and fails for
 * high and critical ones that scripts/audit/allowed.ts does not name. Is skipped, with the reason, where the registry does not
 * answer: mirrors often have no advisories. Native parts inside of packages are not known to it: see `--version`.
 */
import { join } from "node:path";
import { judge, readAdvisories } from "./audit/advisories.ts";
import { ALLOWED } from "./audit/allowed.ts";

const ROOT = join(import.meta.dir, "..");
/** A registry that has not answered by then is taken as one that does not. */
const TIMEOUT_MS = 60_000;

const child = Bun.spawn([process.execPath, "audit", "--json", "--production"], {
  cwd: ROOT,
  stdio: ["ignore", "pipe", "pipe"],
  timeout: TIMEOUT_MS,
});
const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
const advisories = readAdvisories(out);
if (advisories === null) {
  const why = err.trim().replace(/\bhttps?:\/\/\S+/g, "the registry") || "no answer";
  console.log(`audit: skipped: the registry gives no advisories (${why.split("\n").at(-1)})`);
  close({ passed: 0, failed: 0, skipped: 1 });
}
const judged = judge(advisories, ALLOWED, new Date().toISOString().slice(0, 10));
for (const { verdict, severity, name, versions, title, advisory, note } of judged)
  console.log(
    `${verdict}: ${severity}: ${name} ${versions}: ${title} (${advisory})${note && `: ${note}`}`,
  );
const failed = judged.filter(({ verdict }) => verdict === "fails").length;
console.log(`audit: ${judged.length} advisories on shipped packages, ${failed} of them fail it`);
close({ passed: failed === 0 ? 1 : 0, failed, skipped: 0 });

function close(counts: {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}): never {
  const { passed, failed, skipped } = counts;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exit(failed > 0 ? 1 : 0);
}
