/**
 * Limits what child processes may do (no capabilities, no new privileges, no core dumps), and hides this process from others of
 * its user. Works on Linux; elsewhere nothing happens.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { reason } from "./errors.ts";
import { getLogger } from "./log.ts";

const log = getLogger("server");

/** From linux/prctl.h. */
const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** From linux/capability.h. */
const CAPABILITY_VERSION_3 = 0x20080522;
const MOST_CAPABILITIES = 64;
/** Kept: the models of a server that root runs may belong to another user. */
const CAP_DAC_READ_SEARCH = 2;
/** From sys/resource.h. */
const RLIMIT_CORE = 4;

let areConfined = false;

/**
 * From now on children of this thread start without capabilities, except root's to read all files, and can gain none by setuid
 * programs. This process keeps its own capabilities. Never throws: where the kernel refuses, children have what they had.
 */
export function confineChildren(): void {
  if (areConfined) return;
  areConfined = true;
  withLibc(({ prctl, capget, capset }) => {
    for (let capability = 0; capability < MOST_CAPABILITIES; capability++)
      if (capability !== CAP_DAC_READ_SEARCH) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // Three sets of this thread, as two times three words of 32 bits; the third of each is inheritable, which root's children get.
    const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
    const sets = new Uint32Array(6);
    if (capget(ptr(header), ptr(sets)) === 0) {
      sets[2] = 0;
      sets[5] = 0;
      capset(ptr(header), ptr(sets));
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0)
      log.warn("engines could gain privileges: the kernel does not know PR_SET_NO_NEW_PRIVS");
  });
}

/**
 * From now on no other process of this user, such as an engine that a decoder's fault has taken over, can read this one's memory
 * or environment, which hold secrets. Neither it nor its children leave core dumps, which would hold secrets and frames. Never
 * throws.
 */
export function hideFromOthers(): void {
  withLibc(({ prctl, setrlimit }) => {
    setrlimit(RLIMIT_CORE, ptr(new BigUint64Array([0n, 0n])));
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  });
}

const { i32, u64, ptr: pointer } = FFIType;
const openLibc = () =>
  dlopen("libc.so.6", {
    prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
    capget: { args: [pointer, pointer], returns: i32 },
    capset: { args: [pointer, pointer], returns: i32 },
    setrlimit: { args: [i32, pointer], returns: i32 },
  });

function withLibc(use: (symbols: ReturnType<typeof openLibc>["symbols"]) => void): void {
  if (process.platform !== "linux") return;
  try {
    const { symbols, close } = openLibc();
    use(symbols);
    close();
  } catch (error) {
    log.debug("the C library cannot be called", { error: reason(error) });
  }
}
