import { expect, test } from "bun:test";
import { join } from "node:path";
import { npmPackages } from "../../../scripts/notice/npm-packages.ts";
import { renderNotice } from "../../../scripts/notice/render-notice.ts";

test("NOTICE.md lists what the binary is built of; after a change, `bun run notice` writes it", async () => {
  const packages = await npmPackages();
  expect(packages.map(({ name }) => name)).toContain("mp4box");
  const notice = await Bun.file(join(import.meta.dir, "../../../NOTICE.md")).text();
  expect(notice).toBe(renderNotice(packages));
});
