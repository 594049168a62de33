/** Reads what `bun audit --json` prints, and says which advisories an audit fails for. */
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

const Advisory = Type.Object({
  /** Ends in the advisory's name, such as GHSA-2p57-rm9w-gvfp. */
  url: Type.String(),
  title: Type.String(),
  severity: Type.String(),
  vulnerable_versions: Type.String(),
});
/** By the package's name. */
const Advisories = Type.Record(Type.String(), Type.Array(Advisory));

/** An advisory that does not concern this program. */
export interface Allowed {
  /** Such as GHSA-2p57-rm9w-gvfp. */
  readonly advisory: string;
  /** Why what it describes cannot happen here. */
  readonly reason: string;
  /** Day until which this holds, e.g. "2027-03-31": then it is looked at again. */
  readonly until: string;
}

export interface Judged {
  readonly advisory: string;
  readonly name: string;
  readonly severity: string;
  readonly title: string;
  readonly versions: string;
  readonly verdict: "fails" | "reported" | "allowed";
  /** Of the allowance, where there is one; also of one that has run out. */
  readonly note: string;
}

const FAILING = ["high", "critical"];

/** Null if this is not what an audit prints: the registry did not answer. */
export function readAdvisories(json: string): Static<typeof Advisories> | null {
  try {
    const read: unknown = JSON.parse(json);
    return Value.Check(Advisories, read) ? read : null;
  } catch {
    return null; // an error message, or nothing
  }
}

/** High and critical advisories fail an audit, unless they are allowed on `today`, a day such as "2027-01-01". */
export function judge(
  advisories: Static<typeof Advisories>,
  allowed: readonly Allowed[],
  today: string,
): Judged[] {
  return Object.entries(advisories).flatMap(([name, list]) =>
    list.map(({ url, title, severity, vulnerable_versions: versions }): Judged => {
      const advisory = url.split("/").at(-1) ?? url;
      const entry = allowed.find((one) => one.advisory === advisory);
      const holds = entry !== undefined && entry.until >= today;
      const verdict = holds ? "allowed" : FAILING.includes(severity) ? "fails" : "reported";
      const note = entry ? `${entry.reason} (until ${entry.until})` : "";
      return { advisory, name, severity, title, versions, verdict, note };
    }),
  );
}
