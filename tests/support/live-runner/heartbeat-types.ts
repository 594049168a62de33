/** Checks the types of a heartbeat's members: both orchestrators decode it into typed ones, and one wrong type refuses all of it. */

export type Members = Readonly<Record<string, unknown>>;

interface Type {
  readonly name: string;
  readonly holds: (value: unknown) => boolean;
}

const TEXT: Type = { name: "text", holds: (value) => typeof value === "string" };
const BOOLEAN: Type = { name: "a boolean", holds: (value) => typeof value === "boolean" };
const INTEGER: Type = { name: "an integer", holds: Number.isInteger };
const NUMERIC: Type = {
  name: "a number or numeric text",
  holds: (value) => /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(String(value)),
};
const TEXTS: Type = {
  name: "a list of texts",
  holds: (value) => Array.isArray(value) && value.every(TEXT.holds),
};

const TYPES: Readonly<Record<string, Type>> = {
  runner_id: TEXT,
  runner_url: TEXT,
  app: TEXT,
  mode: TEXT,
  label: TEXT,
  version: TEXT,
  status: TEXT,
  metadata: TEXT,
  proxy: BOOLEAN,
  capacity: INTEGER,
  session_ids: TEXTS,
  gpu: membersOf({ id: TEXT, name: TEXT, vram_mb: INTEGER }, Number.isInteger),
  price_info: membersOf({ price: NUMERIC, currency: TEXT, unit: TEXT }),
};

/** What is wrong with the first member of a wrong type, or null. A member that is null counts as absent, as in Go. */
export function wrongType(body: Members): string | null {
  for (const [name, type] of Object.entries(TYPES)) {
    const value = body[name] ?? null;
    if (value !== null && !type.holds(value)) return `${name} must be ${type.name}`;
  }
  return null;
}

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object with these members, each optional, or what `orElse` accepts. */
function membersOf(types: Readonly<Record<string, Type>>, orElse?: Type["holds"]): Type {
  const members = Object.entries(types);
  return {
    name: `an object with ${members.map(([name, type]) => `${name} (${type.name})`).join(", ")}`,
    holds: (value) => {
      if (!isObject(value)) return orElse?.(value) ?? false;
      return members.every(
        ([name, type]) => (value[name] ?? null) === null || type.holds(value[name]),
      );
    },
  };
}
