import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

setDefaultTimeout(60_000);

const BLUR = join(import.meta.dir, "../support/blur-many-sizes.ts");

/** In MiB: all together would keep two and a half thousand. */
test("sessions for pictures of many sizes keep memory up to a total", async () => {
  await using child = Bun.spawn([process.execPath, BLUR], { stdio: ["ignore", "pipe", "inherit"] });
  const growth = Number(await child.stdout.text());
  expect(await child.exited).toBe(0);
  expect(growth).toBeWithin(1, 800);
});
