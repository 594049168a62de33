/** Declares what a control protocol decides about its streams; the stream engine knows protocols by this interface alone. */
import type {
  Container,
  Endpoint,
  OutputChannel,
  StreamParams,
} from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import type { HostRuleset } from "../hosts/host-policy.ts";
import type { StartFields } from "../streams/fields.ts";
import type { StreamObserver } from "../streams/observer.ts";
import type { Stream } from "../streams/stream.ts";
import type { Remarks } from "../streams/update.ts";

/** A channel as a start names it. Its URL has not been checked. */
export interface ChannelRequest {
  /** The field that names the channel, for error messages. */
  readonly field: string;
  readonly url: string;
  /** The rules that the channel's host must satisfy. */
  readonly rules: HostRuleset;
}

/** The channels that a stream is to use. Absent ones are null. */
export interface ChannelRequests {
  readonly input: ChannelRequest | null;
  readonly output: ChannelRequest | null;
  /** Channels beside the media, by names of the protocol's own. */
  readonly sideChannels: Readonly<Record<string, ChannelRequest | null>>;
}

/** A start request as its protocol has read it. */
export interface StreamStart extends ChannelRequests {
  readonly id: string;
  /** The stream parameters, with valid values. */
  readonly fields: StartFields;
}

/** What a stream's observer may do to its stream. */
export interface StreamControl {
  /** Applies an update in its turn; returns what was left out of it. Throws WorkerError for what is wrong with it. */
  update(stream: Stream, body: object): Promise<Pick<Remarks, "ignored">>;
  /** Ends the stream; with `error` it has failed. */
  end(stream: Stream, error?: PlainError): void;
}

/** The members that an answer to a start has beside `success`, `manifest_id`, `stream` and `ignored`. */
export interface StartAnswerMembers {
  readonly status?: "success";
  readonly message?: string;
  readonly request_id?: string;
  readonly current_state?: string;
}

/** Names the control protocols in logs, metrics and usage records. */
export const PROTOCOL_NAMES = ["seed", "byoc", "live-runner"] as const;

/** What streams know of the way in which they are controlled. Stateless: an object serves every stream that came through it. */
export interface ControlProtocol {
  readonly name: (typeof PROTOCOL_NAMES)[number];
  /** The field in which callers see or choose a stream's id. */
  readonly idField: string;
  /** The fields by which callers name a stream's channels: errors about a channel name its field. */
  readonly channelFields: { readonly input: string; readonly output: string };
  readonly outputLifecycle: OutputChannel["lifecycle"];
  /** When a start is answered: once the output channel has accepted the stream, or as soon as it is admitted. */
  readonly answersWhen: "active" | "admitted";
  /** Whether a model that takes prompts must be given one. */
  readonly needsPrompts: boolean;
  /** What a preset in an update applies to: the model's present parameters, or its defaults. */
  readonly presetsChange: "present" | "defaults";
  /** How long a start may wait for an engine that is not up yet. */
  readonly engineTimeoutMs: number;
  /** The failure of streams that the server itself ends because it shuts down; null: an end in order. */
  readonly shutdownError: PlainError | null;
  /** When the server shuts down: end its streams at once, or let them run on while it drains. */
  readonly atShutdown: "end" | "drain";

  /** Turns an update into the fields of contract.md; they are checked later. Throws `invalid_request`. */
  readUpdate(body: unknown): unknown;
  /** The values of fields that a start leaves out, for a stream with an input or one that a clock drives. */
  defaults(source: "input" | "clock"): {
    readonly params: StreamParams;
    readonly container: Container;
  };
}

/** A control protocol whose streams start at `/stream/start`. */
export interface StartProtocol extends ControlProtocol {
  /** Reads a start; `streamId` is `X-Stream-Id`. Throws `invalid_request` naming the field. */
  readStart(body: object, streamId: string | null): StreamStart;
  /** The channels as the stream object shows them; null where a channel is absent or a credential. */
  shownChannels(start: StreamStart): ShownChannels;
  startAnswer(stream: Stream): StartAnswerMembers;
  /** Observes a new stream, if the protocol has something to tell or to watch. `channels` have been checked. */
  observe(
    stream: Stream,
    start: StreamStart,
    channels: Readonly<Record<string, Endpoint>>,
    control: StreamControl,
  ): StreamObserver | null;
}

export interface ShownChannels {
  readonly stream_url: string | null;
  readonly input_url: string | null;
}
