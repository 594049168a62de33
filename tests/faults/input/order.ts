/** Faults of delivery: segments that are lost, doubled, out of order, empty, enormous or late, and silence. */
import { type InputFault, inputFault, plainFault } from "./input-fault.ts";

const MIB = 1024 * 1024;
/** The embedded server refuses the rest of a segment beyond 32 MiB. */
const ENORMOUS = 50 * MIB;

export const order: readonly InputFault[] = [
  plainFault("every second segment lost", ({ bytes, index }) => (index % 2 === 0 ? null : [bytes])),
  plainFault("segments doubled", ({ bytes }) => [bytes, bytes]),
  inputFault({
    name: "segments in pairs, the later one first",
    prepare: () => {
      let held: Uint8Array | null = null;
      return ({ bytes, index }) => {
        if (index % 2 === 1 && held) return [bytes, held];
        held = bytes;
        return null;
      };
    },
  }),
  inputFault({
    name: "one segment again and again",
    prepare: () => {
      let first: Uint8Array | null = null;
      return ({ bytes }) => {
        first ??= bytes;
        return [first];
      };
    },
  }),
  plainFault("empty segments", () => [new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)]),
  plainFault("segments of one byte", ({ bytes }) => [bytes.subarray(0, 1), bytes.subarray(1, 2)]),
  plainFault("silence", () => null, { lastsMs: 30_000 }),
  inputFault({
    name: "a segment of 50 MB of noise",
    lastsMs: 2500,
    prepare: () => {
      const words = new Uint32Array(ENORMOUS / 4);
      let state = 7;
      for (let at = 0; at < words.length; at++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        words[at] = state ^ (state >>> 15);
      }
      const noise = new Uint8Array(words.buffer);
      return ({ bytes, index }) => [index === 0 ? noise : bytes];
    },
  }),
];
