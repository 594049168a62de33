/** Runs the released binary in an empty Debian: from its first start to its end, without privileges, on read-only files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryPlace, noBinary } from "../../tests/support/binary.ts";
import { travel } from "../../tests/support/binary-journey.ts";
import { makeDebianRoot, noDebianRoot } from "../../tests/support/debian-root.ts";
import { sharedData } from "../../tests/support/shared-data.ts";

/** Returns why it was not tried; null if all went well. Throws what went wrong. */
export async function checkInRoot(binary: string): Promise<string | null> {
  const missing = noBinary ?? noDebianRoot;
  if (missing !== null) return missing;
  const folder = await mkdtemp(join(tmpdir(), "debian-"));
  try {
    const root = join(folder, "root"); // debootstrap makes it readable for all, as the folder is not
    await makeDebianRoot(root);
    await using place = await BinaryPlace.createIn(root, binary);
    await travel(place, sharedData("models/trained/multistyle26.onnx"));
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
