/** Tests that compose.yaml keeps up with the program's settings and with the files that it mounts. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { Settings } from "../../src/settings.ts";

const root = join(import.meta.dir, "../..");

interface Service {
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly volumes?: readonly string[];
}

const { services } = YAML.parse(await Bun.file(join(root, "compose.yaml")).text()) as {
  services: Readonly<Record<string, Service>>;
};

/** The image fixes the first two and brings its own GPU providers; the last is for the command `registrar`. */
const FIXED = ["HOST", "WORKSPACE", "ORT_LIB_DIR", "WORKERS"];

test("both workers of compose.yaml take every setting", () => {
  const variables = Object.keys(Settings.properties).map((key) =>
    key.replace(/[A-Z]/g, (upper) => `_${upper}`).toUpperCase(),
  );
  const expected = variables.filter((name) => !FIXED.includes(name)).sort();
  for (const name of ["worker", "worker-gpu"])
    expect(Object.keys(services[name]?.environment ?? {}).sort()).toEqual(expected);
});

test("every file that compose.yaml mounts is there", () => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes);
  const paths = mounts
    .filter((mount) => mount.startsWith("./"))
    .map((mount) => mount.split(":")[0]);
  expect(paths.length).toBeGreaterThan(2);
  expect(paths.filter((path = "") => !existsSync(join(root, path)))).toEqual([]);
});
