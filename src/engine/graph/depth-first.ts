/** Walks a graph from its outputs to what they need. Iterative: a chain may be as long as the graph. */

export interface Visitor {
  /** What a node needs, in order. Asked once for each node. */
  needs(id: string): Iterable<string>;
  /** Called once for each node, after all that it needs, except where a cycle makes that impossible. */
  leave(id: string): void;
  /** The last of these nodes needs the first, and each other one the next. Called before the last one is left. */
  cycle?(ids: readonly string[]): void;
}

export function depthFirst(roots: Iterable<string>, visitor: Visitor): void {
  const left = new Set<string>();
  const open = new Map<string, Iterator<string>>();
  const path: string[] = [];
  const enter = (id: string): void => {
    path.push(id);
    open.set(id, visitor.needs(id)[Symbol.iterator]());
  };
  const inCycle = new Set<string>();
  for (const root of roots) {
    if (!left.has(root)) enter(root);
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const next = open.get(id)?.next();
      if (next === undefined || next.done) {
        visitor.leave(id);
        left.add(id);
        open.delete(id);
        path.pop();
      } else if (open.has(next.value)) {
        if (!inCycle.has(id)) visitor.cycle?.(path.slice(path.indexOf(next.value)));
        inCycle.add(id);
      } else if (!left.has(next.value)) {
        enter(next.value);
      }
    }
  }
}
