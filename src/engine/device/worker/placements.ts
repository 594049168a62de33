/** Reads from ONNX Runtime's profile which execution provider ran how many nodes. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** One event of a profile, as far as it is read here (Chrome's trace event format). */
interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly provider?: string };
}

/** Counts the nodes of the only profile in `folder`; a node that ran twice counts once. */
export async function readPlacements(folder: string): Promise<Record<string, number>> {
  const [file] = await readdir(folder);
  if (file === undefined) return {};
  const events: ProfileEvent[] = await Bun.file(join(folder, file)).json();
  const providers = new Map<string, string>();
  for (const { cat, name = "", args } of events) {
    if (cat === "Node" && args?.provider && name.endsWith("_kernel_time")) {
      providers.set(name, args.provider);
    }
  }
  const counts: Record<string, number> = {};
  for (const provider of providers.values()) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}
