/** Has the kernel end this process when its parent is gone, also while it hangs in native code or is stopped. */
import { dlopen, FFIType } from "bun:ffi";
import { reason } from "../errors.ts";
import { getLogger } from "../log.ts";

/** prctl(2), from linux/prctl.h. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Does nothing but a log line where the C library cannot be called; the IPC channel's end then still ends an engine that is well. */
export function dieWithParent(): void {
  if (process.platform !== "linux") return;
  try {
    const { symbols, close } = dlopen("libc.so.6", {
      prctl: { args: [FFIType.i32, FFIType.u64], returns: FFIType.i32 },
    });
    symbols.prctl(PR_SET_PDEATHSIG, SIGKILL);
    close();
  } catch (error) {
    getLogger("engine").debug("prctl is not available", { error: reason(error) });
  }
}
