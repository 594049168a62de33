/** Generates JSON values: valid ones of a JSON Schema, and hostile variants of them. */
import fc from "fast-check";

/** The part of JSON Schema that the API's description uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}

/** Long enough for limits on length, short enough to be quick. */
const LONG = "x".repeat(20_000);
const DEEP = Array.from({ length: 150 }).reduce<unknown>((inner) => [inner], 0);

/** Values that parsers, templates, shells, databases and programmers stumble over. URLs lead to no other machine. */
const HOSTILE: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1e308,
    -1e308,
    5e-324,
    0.1,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 63),
  ],
  ...["", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufeff", "\u202e", "é", "😀", "ﷺ", LONG],
  ...["__proto__", "constructor", "toString", "null", "NaN", "-1", "1e999", "0x10", "true"],
  ...["../../etc/passwd", "/dev/zero", "file:///etc/passwd", "%00", "%", "{{7*7}}", "$(id)", "'--"],
  ...[
    "http://127.0.0.1:9/x",
    "http://[::1]/x",
    "http://0/",
    "http://10.0.0.1/x",
    "https://localhost",
  ],
  ...[
    "http://169.254.169.254/latest",
    "ftp://127.0.0.1/x",
    "http://u:p@127.0.0.1/",
    "http://",
    "//x",
  ],
  ...["data:image/png;base64,AAAA", "data:image/png;base64,%%%", "data:,"],
  ...[[], {}, [[]], [null], [{}], { prompt: "x" }, { "": "" }, { length: -1 }, { toString: 1 }],
  ...[{ class_type: "KSampler" }, { "1": { class_type: "LoadImage", inputs: { image: "../x" } } }],
  JSON.parse('{"__proto__":{"polluted":true}}'),
  DEEP,
  Array.from({ length: 3000 }, (_, n) => n),
  Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k${n}`, n])),
];

export const hostileValue = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.double(),
);

/** Values that match the schema, or nearly: patterns and formats are not looked at. */
export function matching(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((one) => matching(one, depth)));
  if (schema.allOf !== undefined)
    return fc
      .tuple(...schema.allOf.map((one) => matching(one, depth)))
      .map((all) => Object.assign({}, ...all));
  switch ([schema.type].flat()[0]) {
    case "object":
      return matchingObject(schema, depth);
    case "array": {
      const { items = {}, minItems = 0, maxItems = 10 } = schema;
      return fc.array(matching(items, depth + 1), {
        minLength: minItems,
        maxLength: Math.min(maxItems, minItems + 3),
      });
    }
    case "string": {
      const { minLength = 0, maxLength = 24 } = schema;
      return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 24) });
    }
    case "integer":
    case "number": {
      const step = schema.multipleOf ?? 1;
      const low = Math.ceil((schema.minimum ?? schema.exclusiveMinimum ?? -100) / step);
      const high = Math.max(low, Math.floor((schema.maximum ?? low + 1000) / step));
      return fc.integer({ min: low, max: high }).map((n) => n * step);
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return depth > 3 ? fc.constant(null) : fc.jsonValue({ maxDepth: 2 });
  }
}

function matchingObject(
  { properties = {}, required = [], additionalProperties }: Schema,
  depth: number,
) {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, matching(schema, depth + 1)]),
  );
  const requiredKeys = required.filter((name) => name in members);
  const known = fc.record(members, { requiredKeys });
  if (additionalProperties === false || depth > 1) return known;
  const more = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 }), {
    maxKeys: 2,
  });
  return fc.tuple(more, known).map(([extra, own]) => ({ ...extra, ...own }));
}

/** The value with up to three parts of it replaced by hostile ones, left out, or joined by more. */
export const hostileVariant = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      values,
      fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(...CHANGES), hostileValue), { maxLength: 3 }),
    )
    .map(([value, changes]) =>
      changes.reduce((whole, [at, change, by]) => changed(whole, at, change, by), value),
    );

const CHANGES = ["replace", "replace", "remove", "add", "wrap"] as const;

/** Changes the `at`-th part, counted through the whole value. */
function changed(
  whole: unknown,
  at: number,
  change: (typeof CHANGES)[number],
  by: unknown,
): unknown {
  const places: { readonly holder: object; readonly key: string }[] = [];
  const copy: unknown = structuredClone(whole);
  const visit = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value).slice(0, 50)) {
      places.push({ holder: value, key });
      visit(Reflect.get(value, key));
    }
  };
  visit(copy);
  const place = places[at % (places.length + 1)];
  if (place === undefined) return change === "wrap" ? [copy] : by;
  const { holder, key } = place;
  const put = (name: string, value: unknown) =>
    Object.defineProperty(holder, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  if (change === "remove") Reflect.deleteProperty(holder, key);
  else if (change === "add") put(typeof by === "string" ? by.slice(0, 100) : "extra", by);
  else put(key, change === "wrap" ? [Reflect.get(holder, key)] : by);
  return copy;
}
