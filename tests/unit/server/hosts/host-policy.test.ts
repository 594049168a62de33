import { expect, test } from "bun:test";
import { WorkerError } from "../../../../src/errors.ts";
import {
  HostPolicy,
  type HostRules,
  isSameChannel,
  type OwnAddress,
} from "../../../../src/server/hosts/host-policy.ts";

const NAMES: Record<string, string[]> = {
  "public.test": ["93.184.215.14"],
  "both.test": ["2606:4700::1", "93.184.215.14"],
  "rebound.test": ["93.184.215.14", "127.0.0.1"],
  "inside.test": ["10.0.0.7"],
  localhost: ["::1", "127.0.0.1"],
};

function policy(rules: Partial<HostRules> = {}, own: Partial<OwnAddress> = {}) {
  const hosts = new HostPolicy(
    { allowHosts: [], orchestratorHosts: [], ...rules },
    async (name) => {
      const addresses = NAMES[name];
      if (addresses === undefined) throw new Error("ENOTFOUND");
      return addresses;
    },
  );
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

test("a message never repeats the credentials of a URL", async () => {
  const error = await policy()
    .check("stream_url", "http://user:pass@public.test/x", seed)
    .catch((reason) => reason);
  expect(error.message).not.toContain("pass");
});

test("the address that was judged is pinned, IPv4 where there is one", async () => {
  expect(await policy().check("stream_url", "http://both.test/a/", seed)).toEqual({
    url: "http://both.test/a",
    address: "93.184.215.14",
  });
});

test("this server's own address is allowed, and gets the token", async () => {
  const hosts = policy({}, { authorization: "Bearer t" });
  for (const url of ["http://127.0.0.1:5000/trickle/x", "http://localhost:5000/trickle/x"])
    expect(await hosts.check("stream_url", url, seed)).toEqual({
      url,
      address: "127.0.0.1",
      authorization: "Bearer t",
    });
});

test("a stranger never gets the token", async () => {
  const hosts = policy({ allowHosts: ["*"] }, { authorization: "Bearer t" });
  const endpoint = await hosts.check("stream_url", "http://public.test:5000/x", seed);
  expect(endpoint.authorization).toBeUndefined();
});

test("a server that listens on loopback only may reach loopback and private hosts, not link-local ones", async () => {
  const hosts = policy({}, { host: "127.0.0.1" });
  expect(await kindOf("http://127.0.0.1:9999/x", hosts)).toBe("allowed");
  expect(await kindOf("http://inside.test/x", hosts)).toBe("allowed");
  expect(await kindOf("http://169.254.169.254/x", hosts)).toBe("refused_host");
});

test("ALLOW_HOSTS lists hosts with or without a port, or all", async () => {
  const hosts = policy({ allowHosts: ["10.0.0.7:80", "inside.test", "[::1]:8935"] });
  expect(await kindOf("http://10.0.0.7/x", hosts)).toBe("allowed");
  expect(await kindOf("http://10.0.0.7:81/x", hosts)).toBe("refused_host");
  expect(await kindOf("http://inside.test:1234/x", hosts)).toBe("allowed");
  expect(await kindOf("http://[::1]:8935/x", hosts)).toBe("allowed");
  expect(await kindOf("http://127.0.0.1/x", policy({ allowHosts: ["*"] }))).toBe("allowed");
});

test("an orchestrator's channels are at its own hosts and carry the stream's id", async () => {
  const hosts = policy({ orchestratorHosts: ["inside.test"] });
  const caller = { mode: "orchestrator", streamId: "s/1", suffix: "-out" } as const;
  const check = (url: string) => hosts.check("publish_url", url, caller);
  expect((await check("https://inside.test:8935/ai/trickle/s%2F1-out")).address).toBe("10.0.0.7");
  await expect(check("https://inside.test:8935/ai/trickle/other-out")).rejects.toThrow(
    "must be the channel s/1-out",
  );
  await expect(check("https://public.test/ai/trickle/s%2F1-out")).rejects.toThrow("ORCH_URL");
});

test("a channel is the same one in any spelling of loopback, and no other", () => {
  const one = { url: "http://localhost:5000/trickle/a", address: "127.0.0.1" };
  expect(isSameChannel(one, { ...one, url: "http://127.0.0.1:5000/trickle/a" })).toBe(true);
  expect(isSameChannel(one, { ...one, url: "http://localhost:5000/trickle/b" })).toBe(false);
  const far = { url: "http://a.example/x", address: "8.8.8.8" };
  expect(isSameChannel(far, { ...far, url: "http://b.example/x" })).toBe(false);
});

test("a literal address is said once", async () => {
  const policy = new HostPolicy({ allowHosts: [], orchestratorHosts: [] });
  const checking = policy.check("stream_url", "http://10.0.0.1/x", { mode: "seed" });
  await expect(checking).rejects.toThrow(
    "stream_url: 10.0.0.1 is not routed by the open Internet;",
  );
});
