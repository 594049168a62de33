/** Reads a worker's log for a whole run: collects what no fault explains, and lines that show a secret. */

/** Examples of a kind of line; the rest are counted. */
const MAX_EXAMPLES = 20;
const MAX_CHARACTERS = 500;

export class LogWatch {
  lines = 0;
  readonly unexpected: string[] = [];
  /** Names of the secrets that were seen. */
  readonly seen = new Set<string>();
  readonly #secrets = new Map<string, string>();
  readonly #isExplained: (line: LogLine | null) => boolean;
  readonly #keep: (text: string) => void;

  /**
   * `isExplained` is asked about warnings and errors; null stands for text that is not a line of the log. `keep` gets every
   * line and text.
   */
  constructor(
    isExplained: (line: LogLine | null) => boolean,
    keep: (text: string) => void = () => {},
  ) {
    this.#isExplained = isExplained;
    this.#keep = keep;
  }

  /** From now on, no line may contain it. */
  keepSecret(name: string, secret: string): void {
    this.#secrets.set(secret, name);
  }

  take(text: string): void {
    this.#look(text);
    const line = JSON.parse(text) as LogLine;
    const isLoud = line.level !== "INFO" && line.level !== "DEBUG";
    if (isLoud && !this.#isExplained(line)) this.#add(text);
  }

  /** Takes text that is not a line of the log, such as what a runtime prints when it crashes. */
  takeText(text: string): void {
    this.#look(text);
    if (!this.#isExplained(null)) this.#add(text);
  }

  #look(text: string): void {
    this.lines++;
    this.#keep(text);
    for (const [secret, name] of this.#secrets) if (text.includes(secret)) this.seen.add(name);
  }

  #add(text: string): void {
    if (this.unexpected.length < MAX_EXAMPLES) this.unexpected.push(text.slice(0, MAX_CHARACTERS));
  }
}

/** A line with fields of its own beside these. */
export interface LogLine {
  readonly level: string;
  readonly logger: string;
  readonly message: string;
  readonly error?: string;
}
