/** Runs mediacommon's MPEG-TS reader in a process of its own. */
import { buildGo } from "../../support/go-program.ts";

export type GoReader =
  | { readonly kind: "built"; read(bytes: Uint8Array): WhepView; remove(): void }
  | { readonly kind: "unavailable"; readonly why: string };

/** What a viewer of the gateway's WHEP server gets; timestamps in 90 kHz ticks. */
export interface WhepView {
  readonly tracks: readonly string[];
  readonly frames: readonly number[];
  readonly opus: readonly number[];
  /** Pictures before the first random access point. */
  readonly dropped: number;
  /** Pictures whose pts is not their dts. */
  readonly reordered: number;
  readonly errors: readonly string[];
}

/** Builds the reader; needs the mediacommon module. */
export function buildReader(): GoReader {
  const program = buildGo(import.meta.dir);
  if (program.kind === "unavailable") return program;
  const { path, remove } = program;
  return { kind: "built", read: (bytes) => ask(path, bytes), remove };
}

function ask(path: string, bytes: Uint8Array): WhepView {
  const { exitCode, stdout, stderr } = Bun.spawnSync([path], { stdin: bytes, timeout: 20_000 });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as WhepView;
}
