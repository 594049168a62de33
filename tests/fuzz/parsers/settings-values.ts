/** Fuzzes settings from flags and environment: each wrong one is named in a sentence, and none shows a secret. */
import fc from "fast-check";
import {
  ConfigError,
  describeSettings,
  engineEnvironment,
  readConfig,
} from "../../../src/config.ts";
import { EngineOptions } from "../../../src/engine/protocol/messages.ts";
import { check } from "../../../src/schema-check.ts";
import { Settings } from "../../../src/settings.ts";
import { readArguments } from "../../../src/workspace/arguments.ts";
import { UsageError } from "../../../src/workspace/failures.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedTexts } from "../mutated-bytes.ts";

const KEYS = Object.keys(Settings.properties);
const FLAGS = [...describeSettings().matchAll(/--([a-z-]+)/g)].map(([, name = ""]) => name);
const variableOf = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();
const SECRET = "s3cret-never-shown";

const TEXTS = [
  ...["8080", "0", "-1", "1.5", "1e3", "0x10", "NaN", "Infinity", "", " ", "true", "on", "off"],
  ...["5s", "1500ms", "2m", "1h30m", "0s", "9999999999999h", "1GiB", "512MB", "1e99GiB"],
  ...["http://127.0.0.1:8935", "https://user:pw@host/x?y#z", "ftp://x", "http://", "//x", "a,b,,c"],
  ...["127.0.0.1", "::1", "[::1]", "0.0.0.0/0", "10.0.0.0/33", "*.example.com", "cpu", "cuda:0"],
  ...["/tmp", ".", "/nonexistent", "debug", "json", "\0", "é", "🦊"],
];

interface Case {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const settingsValues = defineTarget<Case>({
  name: "settings",
  inputs: "flags and environment with wild names and values",
  found: [],
  open: () => {
    const value = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
      { weight: 2, arbitrary: mutatedTexts(TEXTS) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    );
    const flag = fc
      .tuple(
        fc.constantFrom(...FLAGS, "", "-", "nope", "__proto__", "constructor"),
        value,
        fc.constantFrom("=", " ", ""),
      )
      .map(([name, its, between]) =>
        between === " " ? [`--${name}`, its] : [`--${name}${between === "" ? "" : `=${its}`}`],
      );
    return {
      inputs: fc.record({
        flags: fc.array(flag, { maxLength: 4 }).map((all) => all.flat()),
        env: fc.dictionary(fc.constantFrom(...KEYS.map(variableOf)), value, { maxKeys: 5 }),
      }),
      check: ({ flags, env }) => {
        checkSecrets(flags, env);
        try {
          readArguments(flags, {
            argument: "<name>",
            flags: { name: { value: "N", description: "" } },
          });
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
        }
        try {
          checkConfig(readConfig(flags, env));
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      },
    };
  },
});

function checkConfig(config: ReturnType<typeof readConfig>): void {
  if (!Object.isFrozen(config)) throw new Error("the settings can be changed");
  for (const [key, value] of Object.entries(config))
    if (typeof value === "number" && !Number.isFinite(value))
      throw new Error(`${key} is accepted as ${value}`);
  structuredClone(config);
  const engine = {
    device: "cpu",
    workspace: config.workspace,
    frame_queue: config.frameQueue,
    max_frame_age_ms: config.maxFrameAgeMs,
    max_batch: config.maxBatch,
    ...(config.modelMemory === undefined ? {} : { model_memory: config.modelMemory }),
    ...(config.comfyuiUrl === undefined ? {} : { comfyui_url: config.comfyuiUrl }),
    log_level: config.logLevel,
    log_format: config.logFormat,
  };
  const wrong = check(EngineOptions).Errors(engine).First();
  if (wrong !== undefined) throw new Error(`no engine takes them: ${wrong.path} ${wrong.message}`);
}

/** A secret is not repeated, whatever is wrong with it or with others. */
function checkSecrets(flags: readonly string[], env: Readonly<Record<string, string>>): void {
  const secrets = Object.entries(Settings.properties).flatMap(([key, schema]) =>
    schema["secret"] ? [[variableOf(key), `${SECRET}\n\0`]] : [],
  );
  try {
    readConfig(flags, { ...env, ...Object.fromEntries(secrets) });
  } catch (error) {
    if (error instanceof ConfigError && error.message.includes(SECRET))
      throw new Error("a secret is shown");
  }
  const passed = engineEnvironment({ ...env, ...Object.fromEntries(secrets) });
  if (JSON.stringify(passed).includes(SECRET)) throw new Error("a secret is passed to engines");
}
