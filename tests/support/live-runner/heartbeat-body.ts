/** Checks the body of a heartbeat as each of the two orchestrators does (live-runner.md 1, 2.1). */
import { type Dialect, Refused } from "./dialect.ts";
import { isObject, type Members, wrongType } from "./heartbeat-types.ts";

/** What a runner offers: the body of its last heartbeat, defaults filled in. */
export interface Offer {
  readonly runner_id: string;
  readonly runner_url: string;
  readonly app: string;
  readonly mode: "persistent" | "single-shot";
  readonly proxy: boolean;
  readonly label: string;
  readonly version: string;
  readonly status: string;
  readonly capacity: number;
  readonly metadata: string;
  readonly gpu: unknown;
  readonly price_info: Readonly<Record<string, unknown>>;
  readonly session_ids: readonly string[];
}

const MAX_METADATA_BYTES = 1024;

/** How an orchestrator judges prices. */
export interface Pricing {
  /** Payments are taken. */
  readonly onChain: boolean;
  /** livepeer-node without a blockchain: offers with a price are taken. Its older releases refuse them. */
  readonly takesPrices: boolean;
}

/** Throws Refused with status 400 and the reason. */
export function readOffer(text: string, dialect: Dialect, pricing: Pricing): Offer {
  const body = parse(text);
  const wrong = wrongType(body);
  if (wrong !== null) refuse(wrong);
  const member = (name: string): string => String(body[name] ?? "");
  const mode = readMode(member("mode"), dialect);
  const capacity = body["capacity"] ?? 0;
  if (typeof capacity !== "number" || !Number.isInteger(capacity) || capacity < 0)
    refuse("capacity must be an integer >= 0");
  if (!isHttpUrl(member("runner_url"))) refuse("invalid runner_url");
  const app = member("app");
  if (app === "" || app !== app.trim()) refuse("app must be given and trimmed");
  const offer: Offer = {
    runner_id: dialect.name === "go-livepeer" ? member("runner_id").trim() : member("runner_id"),
    runner_url: member("runner_url"),
    app,
    mode,
    proxy: body["proxy"] === true,
    label: member("label"),
    version: member("version"),
    status: member("status"),
    capacity: Number(capacity) || 1,
    metadata: member("metadata"),
    gpu: body["gpu"],
    price_info: (body["price_info"] ?? {}) as Members,
    session_ids: (body["session_ids"] ?? []) as string[],
  };
  if (dialect.name === "go-livepeer") checkAsGoLivepeer(offer, pricing);
  else checkAsNode(offer, pricing);
  return offer;
}

function checkAsGoLivepeer({ metadata, status, price_info }: Offer, { onChain }: Pricing): void {
  if (Buffer.byteLength(metadata) > MAX_METADATA_BYTES || metadata.includes("\ufffd"))
    refuse("metadata must be UTF-8 of at most 1024 bytes");
  if (status !== status.trim().toLowerCase()) refuse("status must be lower case and trimmed");
  if (!onChain) return;
  checkUnit(price_info, ["hour", "720p", "fixed"]);
  checkCurrency(price_info);
  if (!(Number(price_info["price"] ?? 0) > 0)) refuse("price_info.price must be above 0");
}

function checkAsNode({ runner_id, capacity, price_info }: Offer, pricing: Pricing): void {
  if (runner_id !== "" && !/^[A-Za-z0-9_-]{1,128}$/.test(runner_id))
    refuse("runner_id must be 1 to 128 of A-Z a-z 0-9 _ -");
  if (capacity > 10_000) refuse("capacity must be at most 10000");
  checkUnit(price_info, ["hour", "fixed"]);
  const price = Number(price_info["price"] ?? 0);
  if (price < 0) refuse("price_info.price must not be negative");
  if (price > 0 && !pricing.onChain && !pricing.takesPrices)
    refuse("paid runners require on-chain payment support");
  if (price > 0) checkCurrency(price_info);
}

function checkUnit({ unit }: Members, units: readonly string[]): void {
  const given = String(unit ?? "").trim();
  if (given !== "" && !units.includes(given.toLowerCase()))
    refuse(`price_info.unit must be one of ${units.join(", ")}`);
}

function checkCurrency({ currency }: Members): void {
  const given = String(currency ?? "").trim();
  if (given !== "" && given.toLowerCase() !== "usd") refuse("price_info.currency must be usd");
}

function readMode(mode: string, dialect: Dialect): Offer["mode"] {
  if (mode === "" || mode === "persistent") return "persistent";
  if (mode === "single-shot") return mode;
  if (mode === "single_shot" && dialect.name === "go-livepeer") return "single-shot";
  return refuse("mode must be persistent or single-shot");
}

function parse(text: string): Members {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // refused below
  }
  return refuse("the heartbeat is not a JSON object");
}

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

function refuse(reason: string): never {
  throw new Refused(400, reason);
}
