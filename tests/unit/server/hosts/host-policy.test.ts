import { expect, test } from "bun:test";
import { hostname, networkInterfaces } from "node:os";
import { WorkerError } from "../../../../src/errors.ts";
import {
  HostPolicy,
  type HostRules,
  type OwnAddress,
} from "../../../../src/server/hosts/host-policy.ts";

const NAMES: Record<string, string[]> = {
  "public.test": ["93.184.215.14"],
  "both.test": ["2606:4700::1", "93.184.215.14"],
  "rebound.test": ["93.184.215.14", "127.0.0.1"],
  "inside.test": ["10.0.0.7"],
  "named.test": ["10.0.0.9"],
  "half-listed.test": ["10.0.0.9", "10.0.0.10"],
  "own-name.test": ["127.0.1.1"],
  localhost: ["::1", "127.0.0.1"],
};

function policy(rules: Partial<HostRules> = {}, own: Partial<OwnAddress> = {}) {
  const hosts = new HostPolicy({ allowHosts: [], orchestrators: [], ...rules }, async (name) => {
    const addresses = NAMES[name];
    if (addresses === undefined) throw new Error("ENOTFOUND");
    return addresses;
  });
  hosts.listensOn({ host: "0.0.0.0", port: 5000, ...own });
  return hosts;
}

const seed = { mode: "seed" } as const;

async function kindOf(url: string, hosts = policy()): Promise<string> {
  try {
    await hosts.check("stream_url", url, seed);
    return "allowed";
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    expect(error.message).toContain("stream_url");
    return error.kind;
  }
}

test.each([
  ["http://public.test/x", "allowed"],
  ["https://93.184.215.14:8935/ai/trickle/x", "allowed"],
  ["http://rebound.test/x", "refused_host"],
  ["http://inside.test/x", "refused_host"],
  ["http://localhost/x", "refused_host"],
  ["http://127.0.0.1:5001/x", "refused_host"],
  ["http://0x7f.1/x", "refused_host"],
  ["http://2130706433/x", "refused_host"],
  ["http://0177.0.0.1/x", "refused_host"],
  ["http://[::ffff:127.0.0.1]/x", "refused_host"],
  ["http://[fe80::1]/x", "refused_host"],
  ["http://169.254.169.254/latest", "refused_host"],
  ["http://user:pass@public.test/x", "invalid_request"],
  ["ftp://public.test/x", "invalid_request"],
  ["file:///etc/passwd", "invalid_request"],
  ["public.test/x", "invalid_request"],
  ["http:/x", "invalid_request"],
  ["http://public.test/x?y=1", "invalid_request"],
  ["http://public.test/%ZZ", "invalid_request"],
  ["http://nowhere.test/x", "channel_refused"],
])("%s is %s", async (url, kind) => {
  expect(await kindOf(url)).toBe(kind);
});

test("a refusal names the flag that would allow it", async () => {
  const check = policy().check("stream_url", "http://10.0.0.1/x", seed);
  await expect(check).rejects.toThrow("--allow-hosts");
});

test.each([
  "http://user:secret@public.test/x",
  "ftp://public.test/secret",
  "http://public.test/secret?x",
])("the refusal of %s does not repeat what may be a credential", async (url) => {
  const error = await policy()
    .check("stream_url", url, seed)
    .catch((reason) => reason);
  expect(error.message).not.toContain("secret");
});

test("the address that was checked is pinned, IPv4 where there is one, and TLS is verified", async () => {
  expect(await policy().check("stream_url", "http://both.test/a/", seed)).toEqual({
    url: "http://both.test/a",
    address: "93.184.215.14",
    verifyTls: true,
  });
});

/** Addresses and names of this machine, as they may stand in a URL. */
const interfaces = Object.values(networkInterfaces())
  .flat()
  .flatMap((one) => (one === undefined || one.address.startsWith("fe80") ? [] : one))
  .map(({ family, address }) => (family === "IPv6" ? `[${address}]` : address));
const OWN = [
  "127.0.0.1",
  "127.1",
  "127.9.9.9",
  "0x7f.1",
  "0177.0.0.1",
  "2130706433",
  "localhost",
  "LOCALHOST",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "0.0.0.0",
  "0",
  "[::]",
  "[::ffff:0.0.0.0]",
  "own-name.test",
  hostname(),
  ...interfaces,
];

test.each(OWN)(
  "http://%s with our port is this server, reached at loopback with its token",
  async (host) => {
    const hosts = policy({}, { authorization: "Bearer t" });
    for (const caller of [seed, { mode: "orchestrator", streamId: "x", suffix: "" } as const]) {
      const endpoint = await hosts.check("stream_url", `http://${host}:5000/trickle/x`, caller);
      expect(endpoint).toMatchObject({ address: "127.0.0.1", authorization: "Bearer t" });
    }
    expect(await kindOf(`http://${host}:5001/trickle/x`, policy())).not.toBe("allowed");
  },
);

test.each([
  "/streams",
  "/stream/x",
  "/stream/x/params",
  "/",
  "/trickle",
  "/trickle/../stream/x",
  "/trickle/%2e%2e/stream/x",
])("a stream's channel is no other route of this server: %s", async (path) => {
  for (const host of ["127.0.0.1", "localhost", "[::]", hostname()])
    expect(await kindOf(`http://${host}:5000${path}`, policy({ allowHosts: ["*"] }))).toBe(
      "refused_host",
    );
});

test("a server at one address is that address alone", async () => {
  const hosts = policy({ allowHosts: ["*"] }, { host: "10.0.0.7", authorization: "Bearer t" });
  const bearer = async (url: string) =>
    (await hosts.check("stream_url", url, seed)).authorization ?? null;
  expect(await bearer("http://inside.test:5000/trickle/x")).toBe("Bearer t");
  expect(await bearer("http://[::ffff:10.0.0.7]:5000/trickle/x")).toBe("Bearer t");
  expect(await bearer("http://127.0.0.1:5000/x")).toBeNull();
  expect(await bearer("http://0.0.0.0:5000/x")).toBeNull();
});

test("a stranger never gets the token, and neither does a name that is only partly ours", async () => {
  const hosts = policy({ allowHosts: ["*"] }, { authorization: "Bearer t" });
  for (const name of ["public.test", "rebound.test"]) {
    const endpoint = await hosts.check("stream_url", `http://${name}:5000/x`, seed);
    expect(endpoint.authorization).toBeUndefined();
  }
});

test("a server that listens on loopback only may reach loopback and private hosts, not link-local ones", async () => {
  for (const host of ["127.0.0.1", "localhost", "::1"]) {
    const hosts = policy({}, { host });
    expect(await kindOf("http://127.0.0.1:9999/x", hosts)).toBe("allowed");
    expect(await kindOf("http://inside.test/x", hosts)).toBe("allowed");
    expect(await kindOf("http://169.254.169.254/x", hosts)).toBe("refused_host");
    expect(await kindOf("http://[ff02::1]/x", hosts)).toBe("refused_host");
  }
});

test("ALLOW_HOSTS lists names or addresses, with or without a port, or all", async () => {
  const hosts = policy({ allowHosts: ["10.0.0.8:80", "inside.test", "[::1]:8935", "10.0.0.9"] });
  expect(await kindOf("http://10.0.0.8/x", hosts)).toBe("allowed");
  expect(await kindOf("http://10.0.0.8:81/x", hosts)).toBe("refused_host");
  expect(await kindOf("http://inside.test:1234/x", hosts)).toBe("allowed");
  expect(await kindOf("http://10.0.0.7:1234/x", hosts)).toBe("refused_host");
  expect(await kindOf("http://[::1]:8935/x", hosts)).toBe("allowed");
  expect(await kindOf("http://named.test:1/x", hosts)).toBe("allowed");
  expect(await kindOf("http://[::ffff:10.0.0.9]/x", hosts)).toBe("allowed");
  expect(await kindOf("http://half-listed.test/x", hosts)).toBe("refused_host");
  expect(await kindOf("http://127.0.0.1/x", policy({ allowHosts: ["*"] }))).toBe("allowed");
});

const ORCHESTRATOR = "https://inside.test:8935";
const caller = { mode: "orchestrator", streamId: "s/1", suffix: "-out" } as const;

test.each([
  [`${ORCHESTRATOR}/ai/trickle/s%2F1-out`, "allowed"],
  [`${ORCHESTRATOR}/ai/trickle/%73%2f1-out/`, "allowed"],
  ["http://127.0.0.1:5000/trickle/s%2F1-out", "allowed"],
  [`${ORCHESTRATOR}/ai/trickle/other-out`, "refused_host"],
  [`${ORCHESTRATOR}/ai/trickle/s%2F1`, "refused_host"],
  ["http://inside.test:8935/ai/trickle/s%2F1-out", "refused_host"],
  ["https://inside.test/ai/trickle/s%2F1-out", "refused_host"],
  ["https://inside.test:8936/ai/trickle/s%2F1-out", "refused_host"],
  ["https://10.0.0.7:8935/ai/trickle/s%2F1-out", "refused_host"],
  ["https://public.test/ai/trickle/s%2F1-out", "refused_host"],
])("for the orchestrator at ORCH_URL, %s is %s", async (url, kind) => {
  const hosts = policy({ orchestrators: [ORCHESTRATOR] });
  const checked = hosts.check("publish_url", url, caller).then(
    () => "allowed",
    (error) => {
      expect(error.message).not.toContain("s/1");
      expect(error.message).not.toContain("other-out");
      return error.kind;
    },
  );
  expect(await checked).toBe(kind);
});

test("a refused orchestrator's host names the flag", async () => {
  const check = policy().check("publish_url", `${ORCHESTRATOR}/s%2F1-out`, caller);
  await expect(check).rejects.toThrow(
    "https://inside.test:8935 is not the scheme, host and port of an ORCH_URL; an operator can allow it with --allow-hosts",
  );
});

test("the certificates of an orchestrator's channels are checked only where that is asked for", async () => {
  const tls = async (rules: Partial<HostRules>) => {
    const hosts = policy({ orchestrators: [ORCHESTRATOR], ...rules });
    const { verifyTls, ca } = await hosts.check("publish_url", `${ORCHESTRATOR}/s%2F1-out`, caller);
    return { verifyTls, ca };
  };
  expect(await tls({})).toEqual({ verifyTls: undefined, ca: undefined });
  expect(await tls({ verifyOrchestrators: true })).toEqual({ verifyTls: true, ca: undefined });
  expect(await tls({ orchestratorCa: "PEM" })).toEqual({ verifyTls: true, ca: "PEM" });
});

test("a literal address is named once", async () => {
  const checking = policy().check("stream_url", "http://10.0.0.1/x", seed);
  await expect(checking).rejects.toThrow(
    "stream_url: 10.0.0.1 is not reachable over the open Internet;",
  );
});

test("a session's channels may be at its own orchestrator and at hosts that are allowed, under any name", async () => {
  const isOrchestrator = (origin: string) => origin === "http://inside.test:8935";
  const rules = { mode: "session", isOrchestrator } as const;
  const hosts = policy({ orchestrators: [ORCHESTRATOR], allowHosts: ["named.test"] });
  const check = (url: string) => hosts.check("in", url, rules);
  expect(await check("http://inside.test:8935/ai/trickle/any-name")).toMatchObject({
    address: "10.0.0.7",
  });
  expect(await check("http://named.test/ai/trickle/x")).toMatchObject({ address: "10.0.0.9" });
  for (const url of [
    `${ORCHESTRATOR}/ai/trickle/x`,
    "http://inside.test/x",
    "http://public.test/x",
  ])
    await expect(check(url)).rejects.toMatchObject({ kind: "refused_host" });
});

test.each([
  ["http://named.test", true],
  ["https://named.test:8443", true],
  ["http://ported.test:8080", true],
  ["http://ported.test", false],
  ["http://[fd00::1]:9000", true],
  ["http://other.test", false],
  ["null", false],
])("with ALLOW_HOSTS, an origin %s is allowed: %s", (origin, isAllowed) => {
  const hosts = policy({ allowHosts: ["named.test", "ported.test:8080", "[fd00::1]"] });
  expect(hosts.allows(origin)).toBe(isAllowed);
  expect(policy({ allowHosts: ["*"] }).allows("http://other.test")).toBe(true);
});
