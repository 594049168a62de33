import { expect, test } from "bun:test";
import { EngineMeter } from "../../../../src/engine/metrics/engine-meter.ts";
import type { StreamPart } from "../../../../src/engine/pipeline-observer.ts";
import type { WorkReport } from "../../../../src/engine/protocol/messages.ts";
import { StreamMeter } from "../../../../src/engine/work/stream-meter.ts";
import { StreamReporter } from "../../../../src/engine/work/stream-reporter.ts";
import type { PlainError } from "../../../../src/errors.ts";

function reporter(without: StreamPart | null = null) {
  const sent: WorkReport[] = [];
  const reporter = new StreamReporter({
    id: "s",
    meter: new StreamMeter(),
    engine: new EngineMeter(),
    send: (message) => sent.push(message),
    without,
    revisionOf: () => 0,
    onProgramChange: () => {},
    onPrepared: () => {},
  });
  const said = () =>
    sent
      .splice(0)
      .map((message) => (message.type === "trouble" ? message.error.message : message.type));
  return { reporter, said };
}

const failure = (message: string): PlainError => ({ kind: "model_failed", message });

test("a stream has recovered when every part of it works again", () => {
  const { reporter: stream, said } = reporter();
  stream.trouble("model", failure("no such file"));
  stream.trouble("input", failure("no video"));
  expect(said()).toEqual(["no such file", "no video"]);
  stream.trouble("input", null);
  expect(said()).toEqual(["no such file"]);
  stream.trouble("model", null);
  expect(said()).toEqual(["recovered"]);
});

test("what has been reported is not reported again", () => {
  const { reporter: stream, said } = reporter();
  stream.trouble("model", null);
  stream.trouble("model", failure("no such file"));
  stream.trouble("model", failure("no such file"));
  expect(said()).toEqual(["no such file"]);
  stream.trouble("model", failure("out of memory"));
  stream.trouble("model", null);
  stream.trouble("model", null);
  expect(said()).toEqual(["out of memory", "recovered"]);
});

test("a stream that was started without audio does not report what is wrong with it", () => {
  const { reporter: stream, said } = reporter("audio");
  stream.trouble("audio", failure("DTS"));
  expect(said()).toEqual([]);
  stream.trouble("input", failure("no video"));
  expect(said()).toEqual(["no video"]);
});
