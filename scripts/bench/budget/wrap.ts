/** Wraps methods of the product for a measurement, and counts the bytes that typed arrays copy. */

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Replaces a method by `around`, which gets the original call and its arguments. */
export function wrap(
  owner: object,
  name: string,
  around: (call: () => unknown, args: readonly unknown[]) => unknown,
): void {
  const original: Method = Reflect.get(owner, name);
  const replaced: Method = function (...args) {
    return around(() => Reflect.apply(original, this, args), args);
  };
  Reflect.set(owner, name, replaced);
}

/** Counts from now on; the returned function gives the bytes since its last call. */
export function countCopies(): () => number {
  let bytes = 0;
  const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
  wrap(typedArray, "set", (call, [source]) => {
    if (ArrayBuffer.isView(source)) bytes += source.byteLength;
    return call();
  });
  wrap(typedArray, "slice", (call) => {
    const copy = call() as Uint8Array;
    bytes += copy.byteLength;
    return copy;
  });
  return () => {
    const taken = bytes;
    bytes = 0;
    return taken;
  };
}
