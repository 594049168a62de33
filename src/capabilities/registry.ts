/** Lists the batch capabilities and finds one by its name or an alias. */
import { WorkerError } from "../errors.ts";
import type { Capability } from "./capability.ts";
import { comfystreamImage } from "./comfystream-image.ts";
import { comfystreamVideo } from "./comfystream-video.ts";
import { textReversal } from "./text-reversal.ts";

export const CAPABILITIES: readonly Capability[] = [
  textReversal,
  comfystreamVideo,
  comfystreamImage,
];

/** True for the name or an alias of a capability. */
export const isCapability = (name: string): boolean => named(name) !== undefined;

/** The capability of this name or alias. Throws `unknown_capability` listing the known names. */
export function findCapability(name: string): Capability {
  const found = named(name);
  if (found !== undefined) return found;
  const names = CAPABILITIES.map((one) => one.name).join(", ");
  const message = `unknown capability ${JSON.stringify(name.slice(0, 100))}; available: ${names}`;
  throw new WorkerError("unknown_capability", message);
}

const named = (name: string): Capability | undefined =>
  CAPABILITIES.find((one) => one.name === name || one.aliases.includes(name));
