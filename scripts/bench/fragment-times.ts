/** Reads an fMP4 channel and records when each frame's last byte arrived, without using the product's box code. */
import { readChannel } from "./read-channel.ts";

/** Milliseconds of `performance.now()` by the pts of the one frame in a fragment. */
export type FragmentTimes = Map<number, number>;

/** Fills `times` until the channel ends or `signal` aborts. */
export async function readFragmentTimes(
  url: string,
  times: FragmentTimes,
  signal: AbortSignal,
): Promise<void> {
  let held = new Uint8Array(0);
  let pts: number | null = null;
  await readChannel(url, signal, ({ data, first, arrivedAt }) => {
    held = first ? data.slice() : Buffer.concat([held, data]);
    for (;;) {
      const box = firstBox(held);
      if (!box) break;
      if (box.type === "moof") pts = presentationTime(box.bytes);
      if (box.type === "mdat" && pts !== null) times.set(pts, arrivedAt);
      held = held.slice(box.bytes.length);
    }
  });
}

/** The first box, if it is complete. */
function firstBox(bytes: Uint8Array): { type: string; bytes: Uint8Array } | null {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const size = view.getUint32(0);
  if (size < 8) throw new Error(`a box of ${size} bytes`);
  const type = String.fromCharCode(...bytes.subarray(4, 8));
  return bytes.length < size ? null : { type, bytes: bytes.subarray(0, size) };
}

/** Decode time and composition offset of the one frame in a `moof` (ISO/IEC 14496-12 §8.8.12, §8.8.8). */
function presentationTime(moof: Uint8Array): number {
  const bytes = Buffer.from(moof.buffer, moof.byteOffset, moof.length);
  const tfdt = bytes.indexOf("tfdt") + 4;
  const trun = bytes.indexOf("trun");
  if (tfdt < 4 || trun < 4) throw new Error("a moof without tfdt or trun");
  const dts =
    bytes[tfdt] === 1 ? Number(bytes.readBigUInt64BE(tfdt + 4)) : bytes.readUInt32BE(tfdt + 4);
  const hasOffset = (bytes.readUInt32BE(trun + 4) & 0x800) !== 0;
  const end = trun - 4 + bytes.readUInt32BE(trun - 4);
  return hasOffset ? dts + bytes.readUInt32BE(end - 4) : dts;
}
