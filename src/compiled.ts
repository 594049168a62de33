/** Tells a compiled binary, which contains its script, from a script that Bun runs. */
export const isCompiled = (): boolean =>
  Bun.main.startsWith("/$bunfs/") || Bun.main.includes("~BUN");
