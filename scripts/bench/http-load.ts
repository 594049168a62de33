/** Measures requests a second at one URL, with wrk if it is installed and a loop of fetches otherwise. */
import { join } from "node:path";

const JOB = { request: '{"run":"echo"}', capability: "text-reversal", timeout_seconds: 30 };
const BODY = JSON.stringify({ text: "Hello, ComfyStream BYOC!" });
const HEADERS = {
  "content-type": "application/json",
  Livepeer: Buffer.from(JSON.stringify(JOB)).toString("base64"),
};
const CONNECTIONS = 64;
const MOST_REQUESTS = 200_000;

/** The load generator's name, for the notes. */
export const loadGenerator = (): string =>
  Bun.which("wrk") ? `wrk -t1 -c${CONNECTIONS}` : `${CONNECTIONS} fetch loops`;

/** POSTs text-reversal jobs to `origin` for `seconds`. Throws if one is refused. */
export async function requestsPerSecond(
  origin: string,
  folder: string,
  seconds: number,
): Promise<number> {
  const url = `${origin}/process/request/text-reversal`;
  const first = await fetch(url, { method: "POST", headers: HEADERS, body: BODY });
  if (!first.ok) throw new Error(`${url} answered ${first.status}: ${await first.text()}`);
  await first.arrayBuffer();
  const wrk = Bun.which("wrk");
  return wrk ? await byWrk(wrk, url, folder, seconds) : await byFetch(url, seconds);
}

async function byWrk(wrk: string, url: string, folder: string, seconds: number): Promise<number> {
  const script = join(folder, "post.lua");
  const headers = Object.entries(HEADERS).map(
    ([name, text]) => `wrk.headers["${name}"] = "${text}"`,
  );
  await Bun.write(script, `wrk.method = "POST"\nwrk.body = [[${BODY}]]\n${headers.join("\n")}\n`);
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", script, url];
  const child = Bun.spawn([wrk, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: (seconds + 20) * 1000,
  });
  const text = await new Response(child.stdout).text();
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  if (!(rate > 0) || /Non-2xx/.test(text)) throw new Error(`wrk at ${url}: ${text}`);
  return rate;
}

async function byFetch(url: string, seconds: number): Promise<number> {
  const begun = performance.now();
  const end = begun + seconds * 1000;
  let done = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < end && done < MOST_REQUESTS) {
      const response = await fetch(url, { method: "POST", headers: HEADERS, body: BODY });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, loop));
  return (done * 1000) / (performance.now() - begun);
}
