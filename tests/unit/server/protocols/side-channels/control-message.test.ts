import { expect, test } from "bun:test";
import { controlMessages } from "../../../../../src/server/protocols/side-channels/control-message.ts";

const update = (body: object) => ({ kind: "update", body });

test.each<[string, string, unknown[]]>([
  ["nothing", "", []],
  ["blank lines", " \n\n", []],
  ["a keep-alive", '{"keep":"alive"}', [{ kind: "keepalive" }]],
  ["a member beside keep", '{"keep":"alive","fps":5}', [update({ keep: "alive", fps: 5 })]],
  ["one object", '{"fps":5}', [update({ fps: 5 })]],
  ["an object over lines", '{\n  "fps": 5\n}', [update({ fps: 5 })]],
  [
    "several",
    '{"fps":5}\n{"keep":"alive"}\r\n{"fps":6}\n',
    [update({ fps: 5 }), { kind: "keepalive" }, update({ fps: 6 })],
  ],
  ["an empty list", "[]", [{ kind: "no_object", value: [] }]],
  [
    "a list, a number, a text and null",
    '[{"fps":5}]\n1\n"x"\nnull',
    [[{ fps: 5 }], 1, "x", null].map((value) => ({ kind: "no_object", value })),
  ],
])("%s", (_title, text, messages) => {
  expect(controlMessages(text)).toEqual(messages as ReturnType<typeof controlMessages>);
});

test("a bad line is reported, and those around it are read", () => {
  expect(controlMessages('{"fps":5}\n{bad\n{"fps":6}')).toEqual([
    { kind: "update", body: { fps: 5 } },
    { kind: "bad_json", why: expect.any(String) },
    { kind: "update", body: { fps: 6 } },
  ]);
  expect(controlMessages("{bad")).toEqual([{ kind: "bad_json", why: expect.any(String) }]);
});

test("a segment of very many values or lines is reported as a whole", () => {
  const reported = (why: string) => [{ kind: "bad_json", why }];
  const many = `{${Array.from({ length: 20_000 }, (_, n) => `"${n}":1`).join(",")}}`;
  expect(controlMessages(many)).toEqual(reported("it holds more than 20000 values") as never);
  const lines = controlMessages('{"fps":5}\n'.repeat(257));
  expect(lines).toEqual(reported("it has more than 256 lines") as never);
});
