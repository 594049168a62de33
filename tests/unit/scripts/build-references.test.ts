import { expect, test } from "bun:test";
import { join } from "node:path";
import { references } from "../../../scripts/build-references.ts";
import { sharedData } from "../../support/shared-data.ts";

test.skipIf(sharedData("golden") === null)(
  "the reference numbers of every clone are those of ../shared/data/golden",
  async () => {
    for (const [name, json] of references()) {
      const path = join(import.meta.dir, `../../reference/${name}.json`);
      expect({ name, isSame: (await Bun.file(path).text()) === json }).toEqual({
        name,
        isSame: true,
      });
    }
  },
);
