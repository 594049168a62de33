/** Reads the graph from a PNG that ComfyUI saved. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** ComfyUI's keyword for a graph in API format. */
const KEYWORD = "prompt\0";

/** Returns the graph as JSON; null if the bytes are not a PNG, or have no graph. */
export function graphInPng(bytes: Uint8Array): string | null {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // PNG, 5.3: each chunk is its length, its type, its data and a checksum.
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const data = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const text = asciiOf(bytes.subarray(at + 4, at + 8)) === "tEXt" ? asciiOf(data) : "";
    if (text.startsWith(KEYWORD)) return text.slice(KEYWORD.length);
  }
  return null;
}

const asciiOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
