import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const DEMO = join(import.meta.dir, "../../scripts/demo.ts");

/** A running demo; `text` is what it has printed. */
class Demo implements AsyncDisposable {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  text = "";

  constructor(env: Record<string, string>) {
    this.child = Bun.spawn([process.execPath, DEMO], {
      env: { ...process.env, API_TOKEN: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    void this.#collect(this.child.stdout);
    void this.#collect(this.child.stderr);
  }

  /** The address that it prints for the browser. */
  async address(): Promise<string> {
    await waitFor("the address", () => this.#address() !== undefined || this.ended, 40_000);
    const address = this.#address();
    if (address === undefined) throw new Error(`the demo ended without an address:\n${this.text}`);
    return address;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  #address(): string | undefined {
    return /^Open (\S+)\/ in a browser/m.exec(this.text)?.[1];
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.text += decoder.decode(bytes, { stream: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.exited;
  }
}

interface Status {
  readonly status: string;
  readonly stats: { readonly frames_out: number; readonly segments_out: number };
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

test("the demo prints one address, plays two moving streams, and ends with Ctrl-C", async () => {
  await using demo = new Demo({ PORT: "0" });
  const url = await demo.address();
  expect(demo.text.match(/https?:\/\//g)).toHaveLength(1);
  expect((await fetch(`${url}/`)).status).toBe(200);

  const streams = async () => (await json<{ streams: Status[] }>(`${url}/streams`)).streams;
  const segments = async () => (await streams()).map(({ stats }) => stats.segments_out);
  await waitFor("segments of both", async () => (await segments()).every((count) => count > 0));
  const before = await segments();
  expect(before).toHaveLength(2);
  await waitFor("both to go on", async () =>
    (await segments()).every((count, n) => count > (before[n] ?? 0)),
  );
  expect((await streams()).map(({ status }) => status)).toEqual(["active", "active"]);

  const { engines } = await json<{ engines: { pid: number }[] }>(`${url}/health`);
  const begun = performance.now();
  demo.child.kill("SIGINT");
  expect(await demo.child.exited).toBe(0);
  expect(performance.now() - begun).toBeLessThan(10_000);
  for (const { pid } of engines) expect(() => process.kill(pid, 0)).toThrow();
  expect(await reachable(url)).toBe(false);
});

test("a port in use is reported and another one used", async () => {
  using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  await using demo = new Demo({ PORT: String(taken.port) });
  const url = await demo.address();
  expect(demo.text).toContain(`Port ${taken.port} is in use`);
  expect(new URL(url).port).not.toBe(String(taken.port));
});

test("a killed demo leaves no server behind", async () => {
  await using demo = new Demo({ PORT: "0" });
  const url = await demo.address();
  demo.child.kill("SIGKILL");
  await waitFor("the server's end", async () => !(await reachable(url)));
});

test("errors are reported without a stack", async () => {
  await using demo = new Demo({ PORT: "many" });
  expect(await demo.child.exited).toBe(2);
  await waitFor("the reason", () => demo.text.includes("got many"));
  expect(demo.text).not.toContain("    at ");
});

const reachable = (url: string): Promise<boolean> =>
  fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
