import { expect, test } from "bun:test";
import type { ModelParam } from "../../../../src/engine/protocol/models.ts";
import { readParam, shownValue, suitsParam } from "../../../../src/engine/protocol/param-value.ts";
import { pictureUri } from "../../../../src/engine/protocol/picture-uri.ts";

const common = { name: "p", description: "" };
const number = { type: "number", ...common, default: 1, min: 0, max: 2, integer: false } as const;
const integer = { ...number, integer: true } as const;
const toggle = { type: "switch", ...common, default: false } as const;
const trigger = { type: "trigger", ...common, default: 0 } as const;
const choice = {
  type: "vector",
  ...common,
  default: [1, 0, 0],
  min: 0,
  max: 1,
  entries: ["candy", "mosaic", "__proto__"],
  blend: false,
} as const;
const blend = { ...choice, blend: true } as const;
const mode = { ...choice, choice: true } as const;
const unnamed = { ...choice, entries: [], min: -5, max: 5 } as const;
const half = { ...choice, min: 0.25, max: 0.5 } as const;
const partly = { ...choice, entries: ["candy", "", ""] } as const;
const signed = { ...blend, min: -1, max: 2 } as const;
const picture = { type: "picture", ...common } as const;

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
const WEBP = new Uint8Array(Buffer.from("RIFF\0\0\0\0WEBPVP8 ", "latin1"));
const uri = (file: Uint8Array, type = "image/png") => `data:${type};base64,${file.toBase64()}`;

test.each<[ModelParam, unknown, unknown]>([
  [number, 0.5, 0.5],
  [integer, 2, 2],
  [toggle, true, true],
  [trigger, -7, -7],
  [choice, [0, 0.5, 1], [0, 0.5, 1]],
  [choice, "mosaic", [0, 1, 0]],
  [choice, { candy: 0.5, mosaic: 0.25 }, [0.5, 0.25, 0]],
  [choice, {}, [0, 0, 0]],
  [choice, JSON.parse('{"__proto__": 1}'), [0, 0, 1]],
  [mode, "mosaic", [0, 1, 0]],
  [mode, [0, 0, 1], [0, 0, 1]],
  [half, "mosaic", [0.25, 0.5, 0.25]],
  [unnamed, [-5, 5, 0], [-5, 5, 0]],
  [partly, "candy", [1, 0, 0]],
  [blend, { candy: 3, mosaic: 1 }, [0.75, 0.25, 0]],
  [blend, [2, 0, 2], [0.5, 0, 0.5]],
  [blend, "candy", [1, 0, 0]],
  [signed, [2, -1, 0], [2, -1, 0]],
  [picture, uri(PNG), uri(PNG)],
  [picture, uri(JPEG, "image/jpeg"), pictureUri(JPEG, "jpeg")],
  [picture, uri(JPEG, "image/jpg;name=a.jpg"), pictureUri(JPEG, "jpeg")],
  // What the bytes are counts, not what the URI declares.
  [picture, uri(WEBP), pictureUri(WEBP, "webp")],
  [picture, uri(PNG).replace(",", ",\n"), uri(PNG)],
])("of %j the value %j becomes %j, which suits it", (param, given, value) => {
  const reading = readParam(param, given);
  expect(reading).toEqual({ value } as typeof reading);
  if ("value" in reading) expect(suitsParam(param, reading.value)).toBeTrue();
});

const forms =
  'a list of 3 numbers, {"entry": weight} or the name of an entry: candy, mosaic, __proto__';
const one = "the name of one entry: candy, mosaic, __proto__";

test.each<[ModelParam, unknown, string]>([
  [mode, [1, 1, 0], `must be ${one}, got [1,1,0]`],
  [mode, [0, 0, 0], `must be ${one}, got [0,0,0]`],
  [number, 3, "must be a number from 0 to 2, got 3"],
  [number, "1", 'must be a number from 0 to 2, got "1"'],
  [integer, 0.5, "must be an integer from 0 to 2, got 0.5"],
  [toggle, 1, "must be true or false, got 1"],
  [toggle, "yes", 'must be true or false, got "yes"'],
  [trigger, 1.5, "must be an integer, which triggers it whenever it changes, got 1.5"],
  [trigger, true, "must be an integer, which triggers it whenever it changes, got true"],
  [choice, [1, 0], `must be ${forms}, got [1,0]`],
  [choice, [1, 0, "0"], `must be ${forms}, got [1,0,"0"]`],
  [choice, 1, `must be ${forms}, got 1`],
  [choice, "cubism", `must be ${forms}, got "cubism"`],
  [choice, { candy: "much" }, `must be ${forms}, got {"candy":"much"}`],
  [choice, { cubism: 1 }, 'has no entry "cubism"; its entries: candy, mosaic, __proto__'],
  [choice, { mosaic: 2 }, 'must be from 0 to 1 in entry "mosaic", got 2'],
  [choice, [0, 0, Infinity], 'must be from 0 to 1 in entry "__proto__", got null'],
  [unnamed, { candy: 1 }, 'must be a list of 3 numbers, got {"candy":1}'],
  [unnamed, "candy", 'must be a list of 3 numbers, got "candy"'],
  [unnamed, [0, 9, 0], "must be from -5 to 5 in number 2, got 9"],
  [
    partly,
    "",
    'must be a list of 3 numbers, {"entry": weight} or the name of an entry: candy, got ""',
  ],
  [blend, {}, "must have a sum above 0, since it is divided by its sum, got {}"],
  [blend, [0, 0, 0], "must have a sum above 0, since it is divided by its sum, got [0,0,0]"],
  [blend, [1, -2, 0], "must have a sum above 0, since it is divided by its sum, got [1,-2,0]"],
  [blend, [3, -1, 0], 'must be from 0 to 1 of the sum in entry "mosaic", got -1'],
  [signed, [3, -2, 0], 'must be from -1 to 2 of the sum in entry "mosaic", got -2'],
  [picture, 5, "must be a data URI of a PNG, JPEG or WebP, got 5"],
  [
    picture,
    "https://example.com/a.png",
    'must be a data URI: data:image/png;base64,… (or jpeg, or webp), got "https://example.com/a.png"',
  ],
  [
    picture,
    uri(PNG, "image/gif"),
    'must be a data URI: data:image/png;base64,… (or jpeg, or webp), got "data:image/gif;base64,iVBORw0KGgoBAgM="',
  ],
  [picture, "data:image/png;base64,§§", "must hold base64 after the comma"],
  [
    picture,
    uri(new Uint8Array([71, 73, 70])),
    "must be a PNG, JPEG or WebP; its bytes are none of them",
  ],
])("of %j the value %j is refused", (param, given, problem) => {
  expect(readParam(param, given)).toEqual({ problem });
});

test("a picture may have 4 MiB", () => {
  const file = (bytes: number) => {
    const whole = new Uint8Array(bytes);
    whole.set(PNG);
    return uri(whole);
  };
  expect(readParam(picture, file(4 * 1024 * 1024))).toHaveProperty("value");
  expect(readParam(picture, file(4 * 1024 * 1024 + 1))).toEqual({
    problem: "must be a file of at most 4 MiB, got 4194305 bytes",
  });
});

test("an error lists some dozens of entries", () => {
  const entries = Array.from({ length: 1000 }, (_, n) => `entry${n}`);
  const reading = readParam({ ...choice, default: entries.map(() => 0), entries }, { none: 1 });
  const { problem } = reading as { problem: string };
  expect(problem).toEndWith("entry38, entry39 and 960 more");
});

test.each<[ModelParam, unknown]>([
  [number, true],
  [integer, 0.5],
  [toggle, 1],
  [choice, "candy"],
  [choice, [1, 0]],
  // It was no blend before.
  [blend, [1, 1, 0]],
  [picture, [1, 0, 0]],
  [picture, "candy"],
])("what suited another parameter does not suit %j: %j", (param, value) => {
  expect(suitsParam(param, value as number)).toBeFalse();
});

test.each([
  [uri(new Uint8Array(1)), "data:image/png;base64,… (1 kB)"],
  [pictureUri(new Uint8Array(122_400), "jpeg"), "data:image/jpeg;base64,… (123 kB)"],
  [pictureUri(new Uint8Array(4_190_000), "webp"), "data:image/webp;base64,… (4.2 MB)"],
])("a picture is shown by its type and size", (value, shown) => {
  expect(shownValue(value)).toBe(shown);
  expect(shownValue(shown)).toBe(shown);
});

test.each([[1], [true], [[1, 2]], ["candy"]])("%j is shown as it is", (value) => {
  expect(shownValue(value)).toEqual(value);
});
