/** What becomes of graphs whose ComfyUI is absent, goes away, is old, or is something else. */
import { describe, expect, test } from "bun:test";
import {
  failureOf,
  inverted,
  isClose,
  paramsFor,
  ServedHost,
  ServedStream,
  slowly,
} from "../support/comfyui-suite.ts";
import { FakeComfy } from "../support/fake-comfyui.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { waitFor } from "../support/wait-for.ts";

const STREAM = { kind: "stream", hasInput: true } as const;
const GRAPHS = [JSON.stringify(slowly(0))];

test("without COMFYUI_URL a graph with unknown classes is refused, and the setting is named", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const { message, details } = await failureOf(host.graphModel(GRAPHS, STREAM), "invalid_request");
  expect(message).toStartWith("prompts: node 3 has the class TestSlow, which is not known here");
  expect(message).toEndWith("start the server with COMFYUI_URL");
  expect(details).toMatchObject([{ field: "prompts", node: "3", class_type: "TestSlow" }]);
});

test("a graph that runs here asks nothing of ComfyUI", async () => {
  await using hosted = await ServedHost.start("http://127.0.0.1:9"); // nobody listens there
  const { "3": _, ...native } = slowly(0);
  const graph = { ...native, "4": { class_type: "SaveTensor", inputs: { images: ["2", 0] } } };
  expect(await hosted.host.graphModel([JSON.stringify(graph)], STREAM)).toStartWith("comfyui:");
});

test("a ComfyUI that is not there is named, and used once it is", async () => {
  await using first = new FakeComfy();
  const { port } = first;
  await first[Symbol.asyncDispose]();
  await using hosted = await ServedHost.start(`http://127.0.0.1:${port}`);
  const { message, details } = await failureOf(
    hosted.host.graphModel(GRAPHS, STREAM),
    "comfyui_unavailable",
  );
  expect(message).toStartWith(
    `the ComfyUI at COMFYUI_URL (http://127.0.0.1:${port}): it refused the connection; the graph goes there because`,
  );
  expect(message).toContain("node 3 has the class TestSlow, which is not known here");
  expect(details).toMatchObject([{ field: "prompts", node: "3", class_type: "TestSlow" }]);
  await using _later = new FakeComfy({ port });
  using stream = new ServedStream(hosted.host);
  const { picture } = await stream.drawWith(paramsFor(slowly(0)));
  expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
});

test("a stream whose ComfyUI ends during a run goes on when it is back", async () => {
  const comfy = new FakeComfy();
  const { port } = comfy;
  await using hosted = await ServedHost.start(comfy.url);
  using stream = new ServedStream(hosted.host);
  const params = paramsFor(slowly(0.5));
  await stream.executor.prepare(params);
  const failed = failureOf(stream.draw(params), "comfyui_unavailable");
  await waitFor("the graph runs", () => comfy.ran.length === 2);
  await comfy[Symbol.asyncDispose]();
  const { message } = await failed;
  expect(message).toContain("it closed the connection");
  expect(stream.executor.isStale).toBe(true);
  await failureOf(stream.executor.prepare(params), "comfyui_unavailable");
  await using _back = new FakeComfy({ port });
  await waitFor("it is connected", async () => {
    return await stream.executor.prepare(params).then(
      () => true,
      () => false,
    );
  });
  expect((await stream.draw(params)).picture.width).toBe(64);
});

test("a connection that delivers no more messages is replaced", async () => {
  await using comfy = new FakeComfy();
  await using hosted = await ServedHost.start(comfy.url);
  using stream = new ServedStream(hosted.host);
  const params = paramsFor(slowly(0));
  await stream.drawWith(params);
  comfy.muteConnections();
  const { message } = await failureOf(stream.draw(params), "comfyui_unavailable");
  expect(message).toContain("its messages no longer arrive");
  await stream.executor.prepare(params);
  expect((await stream.draw(params)).picture.width).toBe(64);
}, 20_000);

test("the file of an ended stream holds none of its frames, and is used by the next stream", async () => {
  await using comfy = new FakeComfy();
  await using hosted = await ServedHost.start(comfy.url);
  for (let streams = 0; streams < 3; streams++) {
    using stream = new ServedStream(hosted.host);
    await stream.drawWith(paramsFor(slowly(0)));
    stream[Symbol.dispose]();
    const sizes = () => comfy.input.values().map((bytes) => bytes.length);
    await waitFor("every file is one black pixel", () => sizes().every((size) => size < 100));
  }
  expect(comfy.input.size).toBeLessThanOrEqual(2); // of a stream and its trial
});

test("an engine that ends waits until its files hold no frames", async () => {
  await using comfy = new FakeComfy({ uploadMs: 300 });
  const hosted = await ServedHost.start(comfy.url);
  const stream = new ServedStream(hosted.host);
  await stream.drawWith(paramsFor(slowly(0)));
  stream[Symbol.dispose]();
  await hosted[Symbol.asyncDispose]();
  expect(comfy.input.size).toBeGreaterThan(0);
  expect(comfy.input.values().every((bytes) => bytes.length < 100)).toBe(true);
});

test("a name and password in the URL are sent, and appear in no message", async () => {
  await using comfy = new FakeComfy({ credentials: "artist:secret" });
  await using hosted = await ServedHost.start(comfy.url);
  using stream = new ServedStream(hosted.host);
  await stream.drawWith(paramsFor(slowly(0)));
  await using other = await ServedHost.start(comfy.url.replace("secret", "wrong-one"));
  const { message } = await failureOf(other.host.graphModel(GRAPHS, STREAM), "comfyui_unavailable");
  expect(message).toStartWith(
    `the ComfyUI at COMFYUI_URL (http://127.0.0.1:${comfy.port}): it answered 401; `,
  );
});

describe("a ComfyUI", () => {
  test("that names graphs itself is too old", async () => {
    await using comfy = new FakeComfy({ namesPrompts: true });
    await using hosted = await ServedHost.start(comfy.url);
    using stream = new ServedStream(hosted.host);
    const { message } = await failureOf(
      stream.executor.prepare(paramsFor(slowly(0))),
      "comfyui_unavailable",
    );
    expect(message).toContain("it is older than version 0.3.45: update it");
  });

  test("that sends pictures without their node's id will do", async () => {
    await using comfy = new FakeComfy({ plainPictures: true });
    await using hosted = await ServedHost.start(comfy.url);
    using stream = new ServedStream(hosted.host);
    const { picture } = await stream.drawWith(paramsFor(slowly(0)));
    expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
  });

  test("without SaveImageWebsocket draws pictures, but no streams, whose files would fill its disk", async () => {
    await using comfy = new FakeComfy({ without: ["SaveImageWebsocket"] });
    await using hosted = await ServedHost.start(comfy.url);
    using stream = new ServedStream(hosted.host, { kind: "picture" });
    const { picture } = await stream.drawWith(paramsFor(slowly(0)));
    expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
    const { message } = await failureOf(hosted.host.graphModel(GRAPHS, STREAM), "invalid_request");
    expect(message).toContain("lacks SaveImageWebsocket, by which streams get their pictures");
  });

  test("gets seeds beyond 2^53 as they were written", async () => {
    await using comfy = new FakeComfy();
    await using hosted = await ServedHost.start(comfy.url);
    using stream = new ServedStream(hosted.host);
    const json = JSON.stringify(slowly(0)).replace(
      '"seconds":0',
      '"seconds":0,"seed":18446744073709551615',
    );
    await stream.drawWith({ ...paramsFor(), graphs: [json] });
    const { received } = comfy;
    expect(received.length).toBeGreaterThan(1);
    expect(received.every((one) => one.includes('"seed":18446744073709551615'))).toBe(true);
  });
});

describe("an examination", () => {
  const problemsOf = async (url: string) => {
    await using hosted = await ServedHost.start(url);
    return (await hosted.host.examineComfyUi())?.problems;
  };

  test("names the version and the devices of one that will do", async () => {
    await using comfy = new FakeComfy({ credentials: "artist:secret" });
    await using hosted = await ServedHost.start(comfy.url);
    expect(await hosted.host.examineComfyUi()).toEqual({
      label: `the ComfyUI at COMFYUI_URL (http://127.0.0.1:${comfy.port})`,
      version: "0.3.64",
      devices: ["cpu"],
      problems: [],
    });
  });

  test("names the nodes that are missing and a version that is too old, each with the way out", async () => {
    const without = ["SaveImageWebsocket", "PreviewAny"];
    await using comfy = new FakeComfy({ version: "0.3.9", without });
    expect(await problemsOf(comfy.url)).toEqual([
      "it is version 0.3.9, older than 0.3.45: update it",
      "it lacks SaveImageWebsocket, by which streams get their pictures: start it with its custom_nodes/websocket_image_save.py",
      "it lacks PreviewAny, by which texts come back: update it",
    ]);
  });

  test.each(["0.3.45", "0.4.0", "1.0.0"])("version %s is new enough", async (version) => {
    await using comfy = new FakeComfy({ version });
    expect(await problemsOf(comfy.url)).toEqual([]);
  });

  test("says how one that is not there can be had", async () => {
    await using gone = new FakeComfy();
    await gone[Symbol.asyncDispose]();
    expect(await problemsOf(gone.url)).toEqual([
      "it refused the connection; start it, or correct COMFYUI_URL or leave it out",
    ]);
  });
});

describe("what is no ComfyUI is named as such where", () => {
  const failing = async (answer: () => Response | Promise<Response>) => {
    await using stop = new AsyncDisposableStack();
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    stop.defer(() => server.stop(true));
    const hosted = stop.use(await ServedHost.start(`http://127.0.0.1:${server.port}`));
    const { message } = await failureOf(
      hosted.host.graphModel(GRAPHS, STREAM),
      "comfyui_unavailable",
    );
    return message.replace(
      /^the ComfyUI at COMFYUI_URL \([^)]*\): (.*); the graph goes there because .*$/,
      "$1",
    );
  };

  test("it answers with a page", async () => {
    const page = () => new Response("<html>hello</html>");
    expect(await failing(page)).toBe(
      'it answered 200 with "<html>hello</html>", which is not JSON',
    );
  });

  test("it redirects", async () => {
    const away = () =>
      new Response(null, { status: 302, headers: { location: "https://example.org/" } });
    expect(await failing(away)).toBe(
      "it answered 302; set COMFYUI_URL to the address that it redirects to",
    );
  });

  test("its answer has no end", async () => {
    const chunk = new Uint8Array(2 ** 20).fill(32);
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
    expect(await failing(endless)).toBe("its answer is longer than 16 MiB");
  });

  test("it never answers", async () => {
    expect(await failing(() => new Promise(() => {}))).toBe("no answer within 4 s");
  });
});
