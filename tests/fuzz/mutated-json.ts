/** Generates changed copies of JSON values: wild values in place of parts, and parts left out, moved, renamed or nested. */
import fc from "fast-check";

const WILD: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1, 0.5, 1e-320, 1e308, -1e308],
  ...[2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21],
  ...["", " ", "0", "null", "\0", "\ud800", "\u202e", "🦊", "a".repeat(300), "é".repeat(70)],
  ...["__proto__", "constructor", "toString", "../../etc/passwd", "/", "1e999", "NaN", "-Infinity"],
  ...[[], {}, [[]], [null], [0, 0], ["", ""], { "": "" }],
];

const repeated = ([value, times]: readonly [unknown, number]): unknown[] =>
  Array<unknown>(times).fill(value);

/** Any value that was not meant for its place. */
export const wildValues: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...WILD) },
  { weight: 2, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.integer({ min: -5, max: 5000 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 80 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 2000 }), fc.boolean())
      .map(([...how]) => nested(...how)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...WILD), fc.integer({ min: 1, max: 500 })).map(repeated),
  },
);

function nested(depth: number, inObjects: boolean): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = inObjects ? { a: value } : [value];
  return value;
}

/** A property of an object, or an element of an array, anywhere in the value. */
interface Place {
  readonly holder: object;
  readonly key: string;
}

type Edit = (place: Place, places: readonly Place[]) => void;

/**
 * Each value is one of `corpus` with up to `maxEdits` changes.
 *
 * @param names keys that may be added
 */
export function mutatedJson(
  corpus: readonly unknown[],
  { names = ["constructor"], maxEdits = 5 }: { names?: readonly string[]; maxEdits?: number } = {},
): fc.Arbitrary<unknown> {
  const fraction = fc.nat(0xffff).map((n) => n / 0x10000);
  const changes = fc.array(fc.tuple(fraction, editOf(fraction, names)), { maxLength: maxEdits });
  return fc.tuple(fc.constantFrom(...corpus), changes).map(([base, edits]) => {
    const root = { value: structuredClone(base) };
    for (const [at, edit] of edits) {
      const places = placesOf(root);
      const place = places[Math.floor(at * places.length)];
      if (place !== undefined) edit(place, places);
    }
    return root.value;
  });
}

const editOf = (fraction: fc.Arbitrary<number>, names: readonly string[]): fc.Arbitrary<Edit> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant<Edit>(remove) },
    wildValues.map(
      (value): Edit =>
        ({ holder, key }) =>
          set(holder, key, value),
    ),
    wildValues.map(
      (value): Edit =>
        ({ holder, key }) =>
          set(holder, key, value),
    ),
    fraction.map(
      (from): Edit =>
        ({ holder, key }, places) => {
          const other = places[Math.floor(from * places.length)];
          if (other !== undefined) set(holder, key, valueAt(other));
        },
    ),
    fc.constantFrom(...names).map(
      (name): Edit =>
        ({ holder, key }) => {
          set(holder, name, valueAt({ holder, key }));
        },
    ),
    fc.tuple(fc.constantFrom(...names), wildValues).map(
      ([name, value]): Edit =>
        ({ holder }) =>
          set(holder, name, value),
    ),
    fc.constantFrom(-1, 0, 2, 0.5, 1e6, 1e300).map(
      (factor): Edit =>
        (place) => {
          const value = valueAt(place);
          if (typeof value === "number") set(place.holder, place.key, value * factor);
        },
    ),
    fc.tuple(fraction, fc.nat(3), fc.string({ unit: "binary", maxLength: 4 })).map(
      ([at, length, by]): Edit =>
        (place) => {
          const value = valueAt(place);
          if (typeof value !== "string") return;
          const start = Math.floor(at * (value.length + 1));
          set(place.holder, place.key, value.slice(0, start) + by + value.slice(start + length));
        },
    ),
  );

function remove({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(holder, key);
}

const valueAt = ({ holder, key }: Place): unknown => Reflect.get(holder, key);

/** Also for `__proto__`, which an assignment would take for the prototype. Lists have no names: it is added to them. */
const set = (holder: object, key: string, value: unknown): void => {
  const own: unknown = structuredClone(value); // later edits change it
  if (Array.isArray(holder) && !(Number(key) < holder.length)) {
    holder.push(own);
    return;
  }
  const field = { value: own, enumerable: true, writable: true, configurable: true };
  Object.defineProperty(holder, key, field);
};

/** Every place below `root`, as far as they are worth changing. */
function placesOf(root: object): Place[] {
  const places: Place[] = [];
  const holders: object[] = [root];
  for (let at = 0; at < holders.length && places.length < 5000; at++) {
    const holder = holders[at] ?? [];
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key });
      if (typeof value === "object" && value !== null) holders.push(value);
    }
  }
  return places;
}
