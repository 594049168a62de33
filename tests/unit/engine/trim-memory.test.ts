import { dlopen, FFIType, type Pointer } from "bun:ffi";
import { expect, test } from "bun:test";
import { memoryTrimmer } from "../../../src/engine/trim-memory.ts";
import { memoryOf } from "../../support/process-memory.ts";

const PIECES = 1000;
/** Smaller than what glibc maps by itself and unmaps when it is freed. */
const PIECE_BYTES = 64 * 1024;

test.skipIf(process.platform !== "linux")(
  "memory that was freed in front of a piece in use is given back to the system",
  () => {
    const { symbols: libc } = dlopen("libc.so.6", {
      malloc: { args: [FFIType.u64], returns: FFIType.ptr },
      memset: { args: [FFIType.ptr, FFIType.i32, FFIType.u64], returns: FFIType.ptr },
      free: { args: [FFIType.ptr], returns: FFIType.void },
    });
    const trim = memoryTrimmer();
    const pieces = Array.from({ length: PIECES }, () => {
      const piece = libc.malloc(PIECE_BYTES) as Pointer;
      libc.memset(piece, 1, PIECE_BYTES);
      return piece;
    });
    const inUse = pieces.pop() ?? null;
    for (const piece of pieces) libc.free(piece);
    const before = memoryOf(process.pid).anonymous;
    trim?.();
    const after = memoryOf(process.pid).anonymous;
    libc.free(inUse);
    expect(before - after).toBeGreaterThan(50);
  },
);
