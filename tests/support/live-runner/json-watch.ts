/** Reads a JSON channel as strictly as livepeer-gateway's readers, which raise at anything but objects (live-runner.md 4.5). */
import { readAsGateway } from "../gateway-trickle.ts";

/** `events` has one object a segment, `data` one a line. Both skip empty segments. */
export type JsonChannel = "events" | "data";

export class JsonWatch {
  readonly objects: Readonly<Record<string, unknown>>[] = [];
  /** Segments without a byte, which keep the channel alive. */
  empty = 0;
  /** Between the ends of two segments, empty ones included. */
  longestGapMs = 0;
  /** What would have raised. */
  readonly faults: string[] = [];
  readonly #kind: JsonChannel;

  constructor(kind: JsonChannel) {
    this.#kind = kind;
  }

  /** Reads until the channel ends. Throws the signal's reason. */
  async read(url: string, signal: AbortSignal): Promise<void> {
    let at = performance.now();
    const reading = readAsGateway(url, { signal, start: 0 });
    for (let one = await reading.next(); !one.done; one = await reading.next()) {
      const parts = await Array.fromAsync(one.value.bytes).catch(() => []);
      this.longestGapMs = Math.max(this.longestGapMs, performance.now() - at);
      at = performance.now();
      this.#take(Buffer.concat(parts).toString().trim());
    }
  }

  #take(text: string): void {
    if (text === "") this.empty++;
    else for (const part of this.#kind === "events" ? [text] : text.split("\n")) this.#parse(part);
  }

  #parse(text: string): void {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new Error("not an object");
      this.objects.push(value as Readonly<Record<string, unknown>>);
    } catch (error) {
      this.faults.push(`${this.#kind}: ${error}: ${text.slice(0, 100)}`);
    }
  }
}
