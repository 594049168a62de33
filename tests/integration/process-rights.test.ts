/** What an engine may do, and what it can learn from the server: it decodes what strangers send. With real processes. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";

setDefaultTimeout(30_000);

const onLinux = process.platform === "linux";
const SECRET = "rights-secret-4d4d4d";
/** The one capability that root's engines have: CAP_DAC_READ_SEARCH. */
const READ_FILES = 1n << 2n;

let server: ServerProcess;
let engine: number;
beforeAll(async () => {
  const secrets = { ORCH_SECRET: SECRET, HF_TOKEN: `hf_${SECRET}`, GITHUB_TOKEN: SECRET };
  server = await startServer(MAIN, ["--inspectable", "off"], secrets);
  engine = await enginePid(server.url);
});
afterAll(async () => await server[Symbol.asyncDispose]());

/** A field of proc_pid_status(5) for each thread of a process. */
function ofThreads(pid: number, field: string): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    return new RegExp(`^${field}:\\s+(\\w+)`, "m").exec(status)?.[1] ?? "";
  });
}

/** Reads a file as a taken-over engine would: as the same user, without capabilities. */
async function readAsEngine(path: string): Promise<{ text: string; code: number }> {
  const bare = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all"] : [];
  const child = Bun.spawn([...bare, "cat", path], { stdio: ["ignore", "pipe", "ignore"] });
  return { text: await child.stdout.text(), code: await child.exited };
}

test.if(onLinux)("no thread of an engine can gain privileges, and none has capabilities", () => {
  expect(new Set(ofThreads(engine, "NoNewPrivs"))).toEqual(new Set(["1"]));
  for (const set of ["CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"]) {
    // Of a server without the right to drop them, the bounding set stays; with no new privileges nothing is gained from it.
    if (set === "CapBnd" && process.getuid?.() !== 0) continue;
    const held = ofThreads(engine, set).map((hex) => BigInt(`0x${hex}`) & ~READ_FILES);
    expect({ set, held: [...new Set(held)] }).toEqual({ set, held: [0n] });
  }
});

test.if(onLinux)("an engine's environment and arguments have no secrets", () => {
  expect(readFileSync(`/proc/${engine}/environ`, "utf8")).not.toContain(SECRET);
  expect(readFileSync(`/proc/${engine}/cmdline`, "utf8")).toMatch(/main\.ts\0engine\0$/);
});

test.if(onLinux)(
  "an engine inherits stderr, its journal and its messages, and no other open file",
  () => {
    const filesOf = (pid: number) =>
      new Map(
        readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
          try {
            return [[Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)] as const];
          } catch {
            return []; // closed meanwhile
          }
        }),
      );
    const files = filesOf(engine);
    expect([files.get(0), files.get(1)]).toEqual(["/dev/null", "/dev/null"]);
    expect(files.get(3)).toContain("comfystream-byoc");
    const shared = new Set(
      [...filesOf(server.pid).values()].filter((name) => /:\[\d+\]/.test(name)),
    );
    // Bun has stderr open twice once it was written to.
    shared.delete(files.get(2) ?? "");
    const inherited = [...files].filter(([, name]) => shared.has(name));
    expect(inherited).toEqual([]);
  },
);

test.if(onLinux)("an engine leaves no core dump, which would have frames", () => {
  const limits = readFileSync(`/proc/${engine}/limits`, "utf8");
  expect(limits).toMatch(/Max core file size\s+0\s+0/);
});

test.if(onLinux)(
  "processes of its user can read neither environment nor memory of the server",
  async () => {
    expect(readFileSync(`/proc/${engine}/status`, "utf8")).toContain("NoNewPrivs"); // it is there
    for (const file of ["environ", "mem", "maps"]) {
      const { text, code } = await readAsEngine(`/proc/${server.pid}/${file}`);
      expect({ file, text, failed: code !== 0 }).toEqual({ file, text: "", failed: true });
    }
  },
);

test.if(onLinux)(
  "with INSPECTABLE a server may be debugged: its files are its user's, and its core limit is as it was",
  async () => {
    const coreLimit = (pid: number | "self") =>
      /Max core file size.*/.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[0];
    await using open = await startServer(MAIN, [], { INSPECTABLE: "ON" });
    expect(coreLimit(open.pid)).toBe(coreLimit("self") ?? "");
  },
);
