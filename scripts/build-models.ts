/** Writes the built-in models as folders, to inspect or change them: `bun scripts/build-models.ts <folder>`. */
import { join } from "node:path";
import { BUILT_INS } from "../src/engine/models/built-in.ts";

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error("usage: bun scripts/build-models.ts <folder>, e.g. workspace/models");
  process.exit(2);
}
for (const [name, { json, graph }] of Object.entries(BUILT_INS)) {
  const folder = join(target, name);
  await Bun.write(join(folder, json.file), graph());
  await Bun.write(join(folder, "model.json"), `${JSON.stringify({ name, ...json }, null, 2)}\n`);
  console.log(folder);
}
