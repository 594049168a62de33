/**
 * The real server process with fake engines: `bun fake-server.ts [flags]`. It handles signals like the real one, and hands
 * `FAKE_ENGINE` to the engines.
 */
import { readConfig } from "../../src/config.ts";
import { configureLogging } from "../../src/log.ts";
import { raiseRequestLimit } from "../../src/request-limit.ts";
import { serve } from "../../src/server/serve.ts";
import { stopSignal } from "../../src/server/stop-signal.ts";
import { FAKE_ENGINE } from "./server-process.ts";

raiseRequestLimit();
const config = readConfig(Bun.argv.slice(2));
await configureLogging(config.logLevel, config.logFormat);
const engineCommand = {
  command: [process.execPath, FAKE_ENGINE],
  env: { PATH: process.env["PATH"] ?? "", FAKE_ENGINE: process.env["FAKE_ENGINE"] ?? "" },
};
process.exit(await serve({ config, version: "0.0.0", engineCommand, stop: stopSignal() }));
