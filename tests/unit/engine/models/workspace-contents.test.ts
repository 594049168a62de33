/** Whatever lies in `<workspace>/models`: the catalogue opens in time, lists what is wrong, and stays usable. */
import { describe, expect, test } from "bun:test";
import { chmod, mkdir, open, rename, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ModelCatalogue } from "../../../../src/engine/models/catalogue.ts";
import { OnnxWorkspace, simpleModel } from "../../../support/onnx-workspace.ts";

const DEADLINE_MS = 4000;
const onnx = simpleModel("float32", [1, 3, "H", "W"], (graph, x) => graph.node("Abs", [x]));

async function folderOf(workspace: OnnxWorkspace, name: string): Promise<string> {
  const folder = join(workspace.path, "models", name);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** The reasons of the broken models, by name. */
function reasons(catalogue: ModelCatalogue): Record<string, string> {
  return Object.fromEntries(
    catalogue.list().flatMap((entry) => {
      return entry.state === "broken" ? [[entry.name, entry.error.message]] : [];
    }),
  );
}

const makePipe = (path: string): void => {
  if (Bun.spawnSync(["mkfifo", path]).exitCode !== 0) throw new Error("mkfifo failed");
};

describe("what is not a regular file is named and never opened", () => {
  type Make = (path: string) => unknown;
  const KINDS: [kind: string, make: Make, problem: string][] = [
    ["a named pipe", makePipe, "is a named pipe: put a regular file in its place"],
    ["a link to /dev/zero", (path) => symlink("/dev/zero", path), "is a device"],
    ["a directory", (path) => mkdir(path), "is a directory"],
    ["a link to itself", (path) => symlink(path, path), "is a link that leads back to itself"],
    ["a link to nothing", (path) => symlink(`${path}.absent`, path), "is missing"],
  ];

  test.each(KINDS)(
    "%s",
    async (_, make, problem) => {
      await using workspace = await OnnxWorkspace.create();
      const described = await folderOf(workspace, "described");
      await make(join(described, "model.json"));
      await Bun.write(join(described, "model.onnx"), onnx);
      const graph = await folderOf(workspace, "graph");
      await Bun.write(join(graph, "model.json"), "{}");
      await make(join(graph, "model.onnx"));
      await workspace.add("good", {}, onnx);
      const catalogue = await ModelCatalogue.open(workspace.path);
      expect(reasons(catalogue)).toEqual({
        described: expect.stringContaining(`model.json ${problem}`),
        graph: expect.stringContaining(`model.onnx ${problem}`),
      });
      expect((await catalogue.get("good")).state).toBe("usable");
    },
    DEADLINE_MS,
  );

  test(
    "a socket",
    async () => {
      await using workspace = await OnnxWorkspace.create();
      const folder = await folderOf(workspace, "socket");
      const socket = { data() {} };
      const listener = Bun.listen({ unix: join(folder, "model.json"), socket });
      try {
        const catalogue = await ModelCatalogue.open(workspace.path);
        expect(reasons(catalogue)).toEqual({
          socket: expect.stringContaining("model.json is a socket"),
        });
      } finally {
        listener.stop(true);
      }
    },
    DEADLINE_MS,
  );

  test(
    "beside the folders: pipes and files are passed over, links without an end are listed",
    async () => {
      await using workspace = await OnnxWorkspace.create();
      await workspace.add("good", {}, onnx);
      const models = join(workspace.path, "models");
      makePipe(join(models, "pipe"));
      await Bun.write(join(models, "readme.txt"), "hello");
      await symlink(join(models, "readme.txt"), join(models, "link-to-file"));
      await symlink("/dev/zero", join(models, "link-to-device"));
      await symlink(join(models, "b"), join(models, "a"));
      await symlink(join(models, "a"), join(models, "b"));
      await symlink(join(models, "absent"), join(models, "dangling"));
      const catalogue = await ModelCatalogue.open(workspace.path);
      expect(reasons(catalogue)).toEqual({
        a: expect.stringContaining("its folder is a link that leads back to itself"),
        b: expect.stringContaining("its folder is a link that leads back to itself"),
        dangling: expect.stringContaining("its folder is missing"),
      });
    },
    DEADLINE_MS,
  );
});

test("links to regular files and folders outside the workspace are followed", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using elsewhere = await OnnxWorkspace.create();
  await elsewhere.add("original", {}, onnx);
  const original = join(elsewhere.path, "models", "original");
  const folder = await folderOf(workspace, "linked-file");
  await Bun.write(join(folder, "model.json"), "{}");
  await symlink(join(original, "model.onnx"), join(folder, "model.onnx"));
  await symlink(original, join(workspace.path, "models", "linked-folder"));
  const catalogue = await ModelCatalogue.open(workspace.path);
  for (const name of ["linked-file", "linked-folder"]) {
    expect((await catalogue.get(name)).definition.inputs).toMatchObject([{ tensor: "x" }]);
  }
});

test("names of any bytes are listed as broken, and forgotten when they go", async () => {
  await using workspace = await OnnxWorkspace.create();
  const models = await folderOf(workspace, "");
  const catalogue = await ModelCatalogue.open(workspace.path);
  const script = "cd \"$1\" && mkdir $'two\\nlines' $'\\xff\\xfe' $'bell\\a'";
  expect(Bun.spawnSync(["bash", "-c", script, "bash", models]).exitCode).toBe(0);
  await catalogue.refresh();
  const broken = Object.entries(reasons(catalogue));
  expect(broken.length).toBe(3);
  for (const [, message] of broken) {
    expect(message).toContain("rename it to 1 to 64 letters");
    expect(message).not.toMatch(/\p{Cc}/u);
  }
  await expect(catalogue.get("two\nlines")).rejects.toThrow('"two\\nlines" cannot be used');
  await rename(join(models, "two\nlines"), join(models, "one-line"));
  Bun.spawnSync(["bash", "-c", "cd \"$1\" && rmdir $'\\xff\\xfe'", "bash", models]);
  await catalogue.refresh();
  expect(Object.keys(reasons(catalogue)).sort()).toEqual(["bell\u0007", "one-line"]);
});

test.skipIf(process.getuid?.() === 0 && !Bun.which("setpriv"))(
  "a folder that may not be read is listed as broken, and is usable once it may",
  async () => {
    await using workspace = await OnnxWorkspace.create();
    await workspace.add("locked", {}, onnx);
    const folder = join(workspace.path, "models", "locked");
    const source = JSON.stringify(
      join(import.meta.dir, "../../../../src/engine/models/catalogue.ts"),
    );
    // Root may read everything, so the catalogue is opened by somebody else.
    const script = `
      const { ModelCatalogue } = await import(${source});
      const catalogue = await ModelCatalogue.open(${JSON.stringify(workspace.path)});
      for (const unlock of [false, true]) {
        if (unlock) {
          console.log("unlock");
          for await (const line of console) break;
        }
        console.log(await catalogue.get("locked").then(({ state }) => state, (error) => error.message));
      }
      process.exit(0);`;
    await chmod(workspace.path, 0o755);
    await chmod(folder, 0);
    const other = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    await using child = Bun.spawn([...other, process.execPath, "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...Bun.env, HOME: "/nonexistent" },
    });
    const lines: string[] = [];
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      lines.push(...decoder.decode(chunk).trim().split("\n"));
      if (lines.at(-1) !== "unlock") continue;
      await chmod(folder, 0o755);
      child.stdin.write("\n");
      await child.stdin.flush();
    }
    expect(lines).toEqual([
      "model locked cannot be used: its folder cannot be read: permission denied",
      "unlock",
      "usable",
    ]);
  },
  15_000,
);

describe("large files and files that are being written", () => {
  /** An ONNX file with a weight of this many bytes, which take no room on the disk. */
  async function writeLarge(path: string, weightBytes: number): Promise<void> {
    const weight = new BinaryWriter()
      .tag(8, WireType.LengthDelimited)
      .string("w")
      .tag(9, WireType.LengthDelimited)
      .uint32(weightBytes)
      .finish();
    // A message that comes twice is merged: the graph of the small model, then its weight.
    const initializer = new BinaryWriter()
      .tag(5, WireType.LengthDelimited)
      .uint32(weight.length + weightBytes)
      .raw(weight)
      .finish();
    const head = new BinaryWriter()
      .raw(onnx)
      .tag(7, WireType.LengthDelimited)
      .uint32(initializer.length + weightBytes)
      .raw(initializer)
      .finish();
    await Bun.write(path, head);
    await truncate(path, head.length + weightBytes);
  }

  /** The longest time for which the event loop did not turn. */
  async function longestStall(work: () => Promise<void>): Promise<number> {
    let [last, longest] = [performance.now(), 0];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    return Math.max(longest, performance.now() - last);
  }

  test(
    "an ONNX file of nearly 2 GiB is listed without reading its weights",
    async () => {
      await using workspace = await OnnxWorkspace.create();
      const folder = await folderOf(workspace, "large");
      await Bun.write(join(folder, "model.json"), "{}");
      await writeLarge(join(folder, "model.onnx"), 2 ** 31 - 10_000);
      const stall = await longestStall(async () => {
        const other = await ModelCatalogue.open(workspace.path);
        expect((await other.get("large")).definition.inputs).toMatchObject([{ tensor: "x" }]);
      });
      expect(stall).toBeLessThan(1000);
    },
    DEADLINE_MS,
  );

  const nothing = new Uint8Array(0);
  test.each([
    ["more than 2 GiB", onnx, 5 * 2 ** 30, "model.onnx is larger than 2 GiB"],
    ["allocated and not written yet", nothing, 2 ** 30, "model.onnx begins with nothing but zeros"],
    ["empty", nothing, 0, "model.onnx is empty"],
  ])(
    "an ONNX file that is %s is refused at once",
    async (_, head, bytes, problem) => {
      await using workspace = await OnnxWorkspace.create();
      const folder = await folderOf(workspace, "broken");
      await Bun.write(join(folder, "model.json"), "{}");
      await Bun.write(join(folder, "model.onnx"), head);
      await truncate(join(folder, "model.onnx"), bytes);
      const catalogue = await ModelCatalogue.open(workspace.path);
      expect(reasons(catalogue)["broken"]).toContain(problem);
    },
    DEADLINE_MS,
  );

  test("a model.json of more than 1 MiB is refused", async () => {
    await using workspace = await OnnxWorkspace.create();
    await workspace.add("long", `{"description": "${"x".repeat(2 ** 21)}"}`, onnx);
    const catalogue = await ModelCatalogue.open(workspace.path);
    expect(reasons(catalogue)["long"]).toContain("model.json is 2.0 MiB; the limit is 1.0 MiB");
  });

  test("half an ONNX file is broken wherever it ends, and usable once it is whole", async () => {
    await using workspace = await OnnxWorkspace.create();
    const folder = await folderOf(workspace, "growing");
    await Bun.write(join(folder, "model.json"), "{}");
    const catalogue = await ModelCatalogue.open(workspace.path);
    await using file = await open(join(folder, "model.onnx"), "w");
    for (let written = 0; written < onnx.length; ) {
      const length = Math.min(7, onnx.length - written);
      await file.write(onnx, written, length);
      written += length;
      if (written === onnx.length) break;
      await expect(catalogue.get("growing")).rejects.toThrow("model growing cannot be used");
    }
    expect((await catalogue.get("growing")).state).toBe("usable");
  });

  test("a file in a folder of its own is noticed when it changes", async () => {
    await using workspace = await OnnxWorkspace.create();
    const folder = await folderOf(workspace, "nested");
    await Bun.write(join(folder, "model.json"), JSON.stringify({ file: "onnx/fp32/model.onnx" }));
    await Bun.write(join(folder, "onnx/fp32/model.onnx"), onnx.subarray(0, 50));
    const catalogue = await ModelCatalogue.open(workspace.path);
    await expect(catalogue.get("nested")).rejects.toThrow("cannot be used");
    await Bun.write(join(folder, "onnx/fp32/model.onnx"), onnx);
    expect((await catalogue.get("nested")).state).toBe("usable");
  });
});

test("a thousand folders are read at boot and again on request", async () => {
  await using workspace = await OnnxWorkspace.create();
  const names = Array.from({ length: 1000 }, (_, n) => `m${n}`);
  for (const name of names) await workspace.add(name, {}, onnx);
  const catalogue = await ModelCatalogue.open(workspace.path);
  await catalogue.refresh();
  expect(catalogue.list().filter(({ state }) => state === "usable").length).toBeGreaterThan(1000);
}, 30_000);

test("a file in place of the folder of models leaves the built-in models", async () => {
  await using workspace = await OnnxWorkspace.create();
  await Bun.write(join(workspace.path, "models"), "not a folder");
  const catalogue = await ModelCatalogue.open(workspace.path);
  expect((await catalogue.get("identity")).state).toBe("usable");
  await expect(catalogue.get("other")).rejects.toThrow("unknown model");
});
