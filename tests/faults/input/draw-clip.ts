/**
 * Draws and encodes a clip in a process of its own, so that whoever sends input meanwhile is not held up.
 * As a program it takes the clip's shape as JSON and writes its packets.
 */
import { deserialize, serialize } from "bun:jsc";
import type { VideoPacket } from "../../../src/media/encoded-packet.ts";
import { encodeVideo, type VideoSourceOptions } from "../../support/video-source.ts";

export type ClipShape = Omit<VideoSourceOptions, "luma" | "frames"> & { readonly frames?: number };

/** Clips are the same for all who ask. */
const drawn = new Map<string, Promise<readonly VideoPacket[]>>();

/** A second at 25 pictures a second, unless `frames` says otherwise. */
export function drawClip(shape: ClipShape): Promise<readonly VideoPacket[]> {
  const key = JSON.stringify(shape);
  const clip = drawn.get(key) ?? drawElsewhere(key);
  drawn.set(key, clip);
  return clip;
}

async function drawElsewhere(shape: string): Promise<readonly VideoPacket[]> {
  const child = Bun.spawn([process.execPath, import.meta.path, shape], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [packets, code] = await Promise.all([
    new Response(child.stdout).arrayBuffer(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`no clip of ${shape} could be drawn`);
  return deserialize(packets) as VideoPacket[];
}

if (import.meta.main) {
  const shape = JSON.parse(process.argv[2] ?? "") as ClipShape;
  const luma = (x: number, y: number, index: number) => (x + 2 * y + 4 * index) & 0xff;
  await Bun.write(Bun.stdout, serialize(encodeVideo({ frames: 25, luma, ...shape })));
}
