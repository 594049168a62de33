/** Hides which batch capabilities there are and what else they are called. */
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

/** Whether it is the name or an alias of one. */
export const isCapability = (name: string): boolean => named(name) !== undefined;

/** By name or alias. Throws `unknown_capability` naming those there are. */
export function findCapability(name: string): Capability {
  const found = named(name);
  if (found !== undefined) return found;
  const names = CAPABILITIES.map((one) => one.name).join(", ");
  const message = `there is no capability ${JSON.stringify(name.slice(0, 100))}; there are ${names}`;
  throw new WorkerError("unknown_capability", message);
}

const named = (name: string): Capability | undefined =>
  CAPABILITIES.find((one) => one.name === name || one.aliases.includes(name));
