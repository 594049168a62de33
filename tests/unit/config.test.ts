import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, describeSettings, engineEnvironment, readConfig } from "../../src/config.ts";

test("settings have the contract's defaults", () => {
  const config = readConfig([], {});
  expect(config).toMatchObject({
    host: "0.0.0.0",
    port: 5000,
    logLevel: "info",
    logFormat: "text",
    device: ["auto"],
    engines: 1,
    frameQueue: 1,
    maxFrameAgeMs: 500,
    maxBatch: 0,
    batchTimeout: 25_000,
    idleTimeout: 0,
    grace: 8_000,
    streamHistory: 3_600_000,
    trickleServer: "on",
    orchTlsVerify: false,
    allowHosts: [],
  });
  expect(config.maxStreams).toBeUndefined();
  expect(config.corsOrigins).toBeUndefined();
  expect(Object.isFrozen(config)).toBe(true);
});

test("a flag overrides its variable, written with a space or with =", () => {
  const config = readConfig(["--port", "7000", "--max-streams=3"], { PORT: "1", MAX_STREAMS: "9" });
  expect(config).toMatchObject({ port: 7000, maxStreams: 3 });
});

test("an empty variable counts as absent", () => {
  expect(readConfig([], { PORT: "", API_TOKEN: "" })).toMatchObject({ port: 5000 });
});

test("usage logs are two files in folders that exist", () => {
  const here = `${import.meta.dir}/usage.jsonl`;
  expect(readConfig(["--usage-log", here], {}).usageLog).toBe(here);
  const both = { USAGE_LOG: here, RUNNER_USAGE_LOG: here };
  expect(messageOf(() => readConfig([], both))).toBe(
    "RUNNER_USAGE_LOG must not name the file of USAGE_LOG, which has sessions as well",
  );
  expect(messageOf(() => readConfig([], { USAGE_LOG: "/nonexistent/usage.jsonl" }))).toBe(
    "USAGE_LOG names a file in a folder that does not exist: /nonexistent/usage.jsonl",
  );
});

test.each(["20", "1048575", "20B", "0GiB", "0.0001kB", "99999999TiB"])(
  "a size of %s is refused",
  (text) => {
    const message = messageOf(() => readConfig(["--model-memory", text], {}));
    expect(message).toBe(
      `--model-memory must be a size above 0 with its unit such as 512MiB or 20GiB; without a unit it is in bytes, at least 1048576, got "${text}"`,
    );
    expect(readConfig(["--model-memory", "1048576"], {}).modelMemory).toBe(1_048_576);
  },
);

test.each([
  ["250ms", 250],
  ["25s", 25_000],
  ["1.5m", 90_000],
  ["1h", 3_600_000],
  ["2d", 172_800_000],
  ["7", 7_000],
])("duration %s is %d ms", (text, ms) => {
  expect(readConfig(["--grace", text], {}).grace).toBe(ms);
});

test.each([
  ["8GiB", 8 * 1024 ** 3],
  ["512MiB", 512 * 1024 ** 2],
  ["1.5GB", 1_500_000_000],
  ["100k", 100_000],
  ["2097152", 2_097_152],
])("size %s is %d bytes", (text, bytes) => {
  expect(readConfig(["--model-memory", text], {}).modelMemory).toBe(bytes);
});

test("lists are split, hosts are normalized as in URLs, levels may be in any case", () => {
  const config = readConfig([], {
    DEVICE: "cpu, cuda:1",
    ALLOW_HOSTS: "GPU1, 0x7f.1:80, ::1",
    ORCH_URL: "https://a:8935/, http://b",
    LOG_LEVEL: "WARNING",
  });
  expect(config).toMatchObject({
    device: ["cpu", "cuda:1"],
    allowHosts: ["gpu1", "127.0.0.1:80", "[::1]"],
    orchUrl: ["https://a:8935", "http://b"],
    logLevel: "warning",
  });
});

test("all problems are reported in one message with flag or variable and value, but no secret", () => {
  const read = () =>
    readConfig(["--port", "abc", "--wat", "x", "--engines=0", "--grace"], {
      DEVICE: "gpu",
      BATCH_TIMEOUT: "soon",
      MODEL_MEMORY: "lots",
      LOG_LEVEL: "loud",
      TRICKLE_SERVER: "maybe",
      ALLOW_HOSTS: "a/b",
      ORCH_URL: "ftp://x",
      CORS_ORIGINS: "nowhere",
      WORKSPACE: "/nonexistent",
      ORCH_SECRET: "two words",
    });
  expect(read).toThrow(ConfigError);
  const message = messageOf(read);
  expect(message.split("\n")).toHaveLength(14);
  for (const part of [
    "--wat",
    "--grace needs a value",
    '--port must be an integer from 0 to 65535, got "abc"',
    "--engines must be",
    "DEVICE must be",
    'BATCH_TIMEOUT must be a duration such as 500ms, 25s, 10m or 1h, at most 24d, got "soon"',
    "MODEL_MEMORY must be",
    "LOG_LEVEL must be one of debug, info, warning, error",
    "TRICKLE_SERVER must be one of on, strict, off",
    "ALLOW_HOSTS must be",
    "ORCH_URL must be",
    "CORS_ORIGINS must be",
    "WORKSPACE names a folder that does not exist: /nonexistent",
    "ORCH_SECRET must be",
  ])
    expect(message).toContain(part);
  expect(message).not.toContain("two words");
});

test.each(["http://a/?x=1", "http://a#b", "http://a,http://b?c"])(
  "a base URL with a query or a fragment is refused: %s",
  (url) => {
    const message = messageOf(() => readConfig([], { ORCH_URL: url, CAPABILITY_URL: url }));
    expect(message.match(/query and fragment/g)).toHaveLength(2);
  },
);

test.each(["stream", "process , text-reversal", "text-reversal,c", "trickle", "runner"])(
  "a capability may not have the name of a route: %s",
  (names) => {
    const message = messageOf(() => readConfig([], { CAPABILITY_NAME: names }));
    expect(message).toMatch(
      /^CAPABILITY_NAME must be .*none of them process, stream, .*, c, got "/,
    );
  },
);

test("a capability's name may begin with the name of a route", () => {
  const names = ["streams-of-mine", "c.2", "restyle"];
  expect(readConfig([], { CAPABILITY_NAME: names.join(" , ") }).capabilityName).toEqual(names);
});

test("credentials in a URL are refused and not repeated", () => {
  const urls = "http://a:1,https://me:let@me@in@b/x";
  const message = messageOf(() => readConfig([], { ORCH_URL: urls, CAPABILITY_URL: "http://k@c" }));
  expect(message).toContain('query and fragment, got "http://a:1,https://…@b/x"');
  expect(message).toContain('got "http://…@c"');
  expect(message).not.toMatch(/let|k@/);
});

test("an engine inherits of the environment only what it needs, and what it needs before it starts", () => {
  const needed = {
    PATH: "/bin",
    TMP: "/var/tmp",
    LC_ALL: "C.UTF-8",
    LD_LIBRARY_PATH: "/opt/cuda/lib",
    CUDA_VISIBLE_DEVICES: "0",
    NVIDIA_TF32_OVERRIDE: "0",
    SSL_CERT_FILE: "/etc/ca.pem",
  };
  const env = engineEnvironment({
    ...needed,
    API_TOKEN: "a",
    CAPABILITY_TOKEN: "b",
    ORCH_SECRET: "c",
    RUNNER_KEY: "d",
    ORCH_URL: "e",
    HF_TOKEN: "f",
    AWS_SECRET_ACCESS_KEY: "g",
    DATABASE_URL: "h",
    NVIDIA_API_KEY: "i",
    SSH_AUTH_SOCK: "j",
    BUN_AUTH_TOKEN: "k",
    HTTPS_PROXY: "http://l:m@proxy:3128",
  });
  expect(env).toEqual({
    ...needed,
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
    ORT_DISABLE_TELEMETRY: "1",
    GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
    UV_THREADPOOL_SIZE: expect.stringMatching(/^\d+$/),
  });
  expect(Number(env["UV_THREADPOOL_SIZE"])).toBeGreaterThanOrEqual(8);
  expect(engineEnvironment({ GLIBC_TUNABLES: "" })["GLIBC_TUNABLES"]).toBe("");
  expect(engineEnvironment({ UV_THREADPOOL_SIZE: "3" })["UV_THREADPOOL_SIZE"]).toBe("3");
});

test("a duration longer than a timer can wait is refused", () => {
  expect(readConfig([], { STREAM_HISTORY: "24d" }).streamHistory).toBe(24 * 86_400_000);
  expect(readConfig(["--grace", "2147483647ms"], {}).grace).toBe(2 ** 31 - 1);
  expect(() => readConfig(["--grace", "2147483648ms"], {})).toThrow("--grace must be a duration");
  expect(() => readConfig([], { BATCH_TIMEOUT: "25d" })).toThrow('at most 24d, got "25d"');
});

test("help describes each setting and its allowed words", () => {
  for (const line of describeSettings().split("\n"))
    expect(line).toMatch(/^ {2}(--[a-z-]+)? +[A-Z_]+ +\S+/);
  expect(describeSettings()).toContain("on, strict, off");
});

test("help names every flag of the contract", () => {
  const help = describeSettings();
  for (const flag of ["--host", "--max-frame-age-ms", "--stream-history", "--allow-hosts"])
    expect(help).toContain(flag);
  expect(help).not.toContain("--orch-secret");
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not throw");
}

test.each([
  ["on", true],
  ["TRUE", true],
  ["1", true],
  ["off", false],
  ["no", false],
])("ORCH_TLS_VERIFY=%s is %p", (text, on) => {
  expect(readConfig([], { ORCH_TLS_VERIFY: text }).orchTlsVerify).toBe(on);
});

test("ORT_LIB_DIR must be a folder of ONNX Runtime's libraries", async () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  expect(() => readConfig([], { ORT_LIB_DIR: folder })).toThrow(
    `ORT_LIB_DIR names a folder without libonnxruntime*.so: ${folder}`,
  );
  await Bun.write(join(folder, "libonnxruntime_providers_cuda.so"), "");
  expect(readConfig([], { ORT_LIB_DIR: folder }).ortLibDir).toBe(folder);
  rmSync(folder, { recursive: true });
});

test("ORCH_CA is read once, and must be a file of certificates", async () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  const [good, bad] = [join(folder, "ca.pem"), join(folder, "empty.pem")];
  const pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
  await Promise.all([Bun.write(good, pem), Bun.write(bad, "nothing")]);
  expect(readConfig([], { ORCH_CA: good }).orchCa).toBe(pem);
  expect(() => readConfig([], { ORCH_CA: bad })).toThrow("without a PEM certificate");
  expect(() => readConfig([], { ORCH_CA: join(folder, "none") })).toThrow("cannot be read");
  rmSync(folder, { recursive: true });
});

test("the ComfyUI may have a password in its URL, which appears in no message and no engine's environment", () => {
  const COMFYUI_URL = "http://artist:secret@10.0.0.7:8188/";
  expect(readConfig([], { COMFYUI_URL }).comfyuiUrl).toBe("http://artist:secret@10.0.0.7:8188");
  expect(engineEnvironment({ COMFYUI_URL })["COMFYUI_URL"]).toBeUndefined();
  const wrong = () => readConfig(["--comfyui-url", "http://artist:secret@host/?token=x"], {});
  expect(wrong).toThrow("--comfyui-url must be one http or https URL without query and fragment");
  expect(wrong).not.toThrow("secret");
});

test("the live runner's settings have their defaults, and flags like their variables", () => {
  expect(readConfig([], {})).toMatchObject({
    orchMode: "auto",
    runnerId: "comfystream",
    runnerProxy: false,
    runnerPrice: 0,
    runnerPriceUnit: "hour",
    runnerIdleTimeout: 300_000,
    runnerUnusedTimeout: 120_000,
    runnerEndGrace: 15_000,
    runnerMaxSession: 0,
    runnerSegmentSeconds: 1,
  });
  const flags = ["--runner-app=live/video", "--orch-mode=BOTH", "--runner-price", "0.75"];
  expect(readConfig(flags, { RUNNER_BATCH: "text-reversal, comfystream-image" })).toMatchObject({
    runnerApp: "live/video",
    orchMode: "both",
    runnerPrice: 0.75,
    runnerBatch: ["text-reversal", "comfystream-image"],
  });
});

test("each bad value of the live runner's settings is named with what it must be", () => {
  const key = "k3y-that-is-short";
  const message = messageOf(() =>
    readConfig(["--runner-key", key], {
      ORCH_MODE: "all",
      RUNNER_APP: "live video",
      RUNNER_URL: "worker:5000",
      RUNNER_KEY: key,
      RUNNER_ID: "Comfy_1",
      RUNNER_LABEL: " a",
      RUNNER_METADATA: "x".repeat(1025),
      RUNNER_PROXY: "perhaps",
      RUNNER_CAPACITY: "0",
      RUNNER_PRICE: "-1",
      RUNNER_PRICE_UNIT: "minute",
      RUNNER_IDLE_TIMEOUT: "0",
      RUNNER_UNUSED_TIMEOUT: "0s",
      RUNNER_END_GRACE: "soon",
      RUNNER_MAX_SESSION: "-1s",
      RUNNER_SEGMENT_SECONDS: "0.1",
      RUNNER_USAGE_LOG: "/nonexistent/usage.jsonl",
      RUNNER_BATCH: "a b",
    }),
  );
  expect(message.replaceAll("x".repeat(1025), "x…").split("\n").sort()).toEqual([
    'ORCH_MODE must be one of auto, byoc, runner, both, got "all"',
    'RUNNER_APP must be an app id such as live-video-to-video/comfystream: letters, digits, dot, dash and underscore in parts joined by /, got "live video"',
    'RUNNER_BATCH must be a comma list of batch capabilities, got "a b"',
    'RUNNER_CAPACITY must be an integer from 1 to 10000, got "0"',
    'RUNNER_END_GRACE must be a duration such as 500ms, 25s, 10m or 1h, at most 24d, got "soon"',
    'RUNNER_ID must be at most 52 lower-case letters, digits and dashes, with no dash at an end, got "Comfy_1"',
    'RUNNER_IDLE_TIMEOUT must be a duration longer than zero such as 500ms, 25s, 10m or 1h, at most 24d, got "0"',
    "RUNNER_KEY must be 22 to 128 letters, digits, dashes and underscores",
    'RUNNER_LABEL must be at most 128 characters without blanks at the ends, got " a"',
    'RUNNER_MAX_SESSION must be a duration such as 500ms, 25s, 10m or 1h, at most 24d, got "-1s"',
    'RUNNER_METADATA must be at most 1024 bytes of UTF-8, got "x…"',
    'RUNNER_PRICE must be a number from 0 to 1000000, got "-1"',
    'RUNNER_PRICE_UNIT must be one of hour, fixed, 720p, got "minute"',
    'RUNNER_PROXY must be on or off, got "perhaps"',
    'RUNNER_SEGMENT_SECONDS must be a number from 0.2 to 10, got "0.1"',
    'RUNNER_UNUSED_TIMEOUT must be a duration longer than zero such as 500ms, 25s, 10m or 1h, at most 24d, got "0s"',
    'RUNNER_URL must be one http or https URL without credentials, query and fragment, got "worker:5000"',
    "RUNNER_USAGE_LOG names a file in a folder that does not exist: /nonexistent/usage.jsonl",
    "unknown flag --runner-key; see --help",
  ]);
});

test.each([
  ["ORCH_MODE", "runner", "ORCH_MODE=runner needs RUNNER_APP"],
  ["ORCH_MODE", "both", "ORCH_MODE=both needs RUNNER_APP"],
  ["RUNNER_BATCH", "text-reversal", "RUNNER_BATCH needs RUNNER_APP"],
])("%s=%s is refused without RUNNER_APP", (variable, value, message) => {
  expect(() => readConfig([], { [variable]: value })).toThrow(message);
  expect(() => readConfig([], { [variable]: value, RUNNER_APP: "live/video" })).not.toThrow();
});

test("the live runner's key is a secret that no engine gets", () => {
  const RUNNER_KEY = "abcdefghijklmnopqrstuv";
  expect(readConfig([], { RUNNER_KEY }).runnerKey).toBe(RUNNER_KEY);
  expect(engineEnvironment({ RUNNER_KEY, RUNNER_APP: "a" })).not.toHaveProperty("RUNNER_KEY");
});
