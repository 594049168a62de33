/** Runs a real Prometheus on a free port, with the configuration that the repository ships, faster and for one worker. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROMETHEUS_FOLDER } from "./monitoring-files.ts";

export const hasPrometheus = Bun.which("prometheus") !== null && Bun.which("promtool") !== null;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

export class Prometheus implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #url: string;

  /** `target`: host and port of the worker; `token`: its API_TOKEN. */
  static async start(target: string, token: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), "prometheus-"));
    await cp(PROMETHEUS_FOLDER, folder, { recursive: true });
    const path = join(folder, "prometheus.yml");
    const config = await Bun.file(path).text();
    await Bun.write(path, config.replaceAll("15s", "500ms").replace("worker:5000", target));
    await Bun.write(join(folder, "api-token"), token);
    const child = Bun.spawn(
      [
        "prometheus",
        `--config.file=${path}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    return new Prometheus(folder, child, await addressIn(child.stderr));
  }

  private constructor(
    folder: string,
    child: Bun.Subprocess<"ignore", "ignore", "pipe">,
    address: string,
  ) {
    this.#folder = folder;
    this.#child = child;
    this.#url = `http://${address}`;
  }

  /** The samples that an expression gives now. Throws what is wrong with it. */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#ask<{ result: Sample[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result;
  }

  /** Each rule with the error of its last evaluation. */
  async rules(): Promise<readonly { name: string; health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{
      groups: { rules: { name: string; health: string; lastError?: string }[] }[];
    }>("rules");
    return groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }
}

/** The address in the line that says where it listens; the rest of its log is read and thrown away. */
async function addressIn(log: ReadableStream<Uint8Array>): Promise<string> {
  const found = Promise.withResolvers<string>();
  const read = async (): Promise<void> => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of log) {
      text += decoder.decode(bytes, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
        if (msg === "Listening on" && address !== undefined) found.resolve(address);
      }
    }
    found.reject(new Error("prometheus ended before it listened"));
  };
  read().catch(found.reject);
  return await found.promise;
}
