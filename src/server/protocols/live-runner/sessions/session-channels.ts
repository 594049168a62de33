/** Makes a session's channels at its orchestrator: one URL of each for the client, one for this worker (live-runner.md 3.1). */
import type { ChannelRequest, ChannelRequests } from "../../control-protocol.ts";
import type { SessionStart } from "../app/session-start.ts";
import type { MadeChannel, SessionCallbacks } from "./callbacks.ts";

/** What each channel carries. */
const MIME_TYPES = {
  in: "video/mp2t",
  out: "video/mp2t",
  events: "application/json",
  data: "application/jsonl",
  control: "application/json",
} as const;

export type ChannelRole = keyof typeof MIME_TYPES;

/** The URLs that the client uses. They are credentials. */
export type ClientUrls = Readonly<
  Record<"in" | "out", string> & Partial<Record<ChannelRole, string>>
>;

export interface SessionChannels {
  /** For the client. */
  readonly urls: ClientUrls;
  /** For this worker; their hosts have not been checked. */
  readonly requests: ChannelRequests;
}

/** The channels that a start asks for. */
export const rolesOf = ({ channels }: Pick<SessionStart, "channels">): readonly ChannelRole[] => [
  "in",
  "out",
  ...(["events", "data", "control"] as const).filter((role) => channels[role]),
];

/**
 * The name of a channel at the orchestrator. A name whose channel was removed cannot be used again within its session, so
 * every attempt to start has names of its own.
 *
 * @param attempt counts from 1
 */
export const channelName = (role: ChannelRole, attempt: number): string =>
  attempt === 1 ? role : `${role}-${attempt}`;

/** Throws RunnerError `orchestrator_error`; some of the channels may exist then. */
export async function makeChannels(
  callbacks: SessionCallbacks,
  roles: readonly ChannelRole[],
  attempt: number,
  isOrchestrator: (origin: string) => boolean,
): Promise<SessionChannels> {
  const made = await callbacks.createChannels(
    roles.map((role) => ({
      name: channelName(role, attempt),
      mime_type: MIME_TYPES[role],
    })),
  );
  const find = (role: ChannelRole): MadeChannel | undefined =>
    made.find(({ name }) => name === channelName(role, attempt));
  const request = (role: ChannelRole): ChannelRequest | null => {
    const channel = find(role);
    if (channel === undefined) return null;
    const rules = { mode: "session", isOrchestrator } as const;
    return { field: role, url: channel.internal_url || channel.url, rules };
  };
  const url = (role: ChannelRole): string => find(role)?.url ?? "";
  const side = roles.filter((role) => role !== "in" && role !== "out");
  return {
    urls: {
      in: url("in"),
      out: url("out"),
      ...Object.fromEntries(side.map((role) => [role, url(role)])),
    },
    requests: {
      input: request("in"),
      output: request("out"),
      sideChannels: Object.fromEntries(side.map((role) => [role, request(role)])),
    },
  };
}
