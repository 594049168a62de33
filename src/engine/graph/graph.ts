/** A ComfyUI graph in API format: nodes by id, each with a class and inputs that are values or links to other nodes. */
import { cut, shown } from "../../shown-value.ts";

export interface GraphNode {
  readonly id: string;
  /** `class_type`; null where it is missing. */
  readonly className: string | null;
  /** What its author called it (`_meta.title`), for messages; null where it has no name of its own. */
  readonly title: string | null;
  /** As they were sent. A list is meant to be a link: `[node id, output index]`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The class it had before a rewrite; null if it has not been rewritten. */
  readonly rewrittenFrom: string | null;
  /** What could not be read of it. */
  readonly faults: readonly NodeFault[];
}

/** A part of a node that is missing or has the wrong form. */
export interface NodeFault {
  /** `node`: the node itself. */
  readonly part: "node" | "class_type" | "inputs";
  /** What is wrong, without the node. */
  readonly problem: string;
}

/** In the order in which they were sent. */
export type Graph = ReadonlyMap<string, GraphNode>;

/** An output of another node. */
export interface Link {
  readonly node: string;
  readonly output: number;
}

/** `node 3 "My sampler" (KSampler)`, for messages. */
export function nodeLabel({ id, title, className, rewrittenFrom }: GraphNode): string {
  const name = title === null ? "" : ` ${JSON.stringify(cut(title, 40))}`;
  const [written, runsAs] =
    rewrittenFrom === null ? [className, ""] : [rewrittenFrom, `, run as ${className}`];
  return `node ${shownName(id, 40)}${name} (${shownName(written ?? "without a class", 60)}${runsAs})`;
}

/** Characters that would change what is around them: control characters, line ends, directions of writing. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The beginning of a name from outside as messages show it, without quotes: of an id, a class, an input. */
export const shownName = (name: string, characters: number): string =>
  cut(name, characters).replace(
    UNSEEN,
    (unseen) => `\\u${(unseen.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );

const SHOWN_CHARACTERS = 60;

/** The beginning of a value as JSON, for messages. */
export const shownValue = (value: unknown): string => shown(value, SHOWN_CHARACTERS);
