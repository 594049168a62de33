/** Tests that livepeer-gateway's readers of messages outlast the silence of our writers, whose empty segments they skip. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { MessageWriter } from "../../../src/trickle/client/message-writer.ts";
import { hostTrickle } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { installGateway, PythonPeer } from "./python-peer.ts";

setDefaultTimeout(30_000);

const packages = installGateway();
const CHANNELS = [
  ["events", "application/json", { type: "started" }],
  ["data", "application/jsonl", { label: "cat" }],
] as const;
/** An empty segment is written each minute in a session: six are more than five minutes. */
const SILENCE = { emptySegmentMs: 50, segments: 6 };

const interop = (name: string, body: () => Promise<void>): void =>
  packages.kind === "installed"
    ? test(name, body)
    : test.skip(`${name} (no livepeer-gateway: ${packages.why})`, body);

interop(
  "livepeer-gateway's readers of events and data read on after minutes of silence, and raise nothing (A8)",
  async () => {
    await using host = hostTrickle();
    await using client = new PythonPeer(packages, "client");
    const writers = new Map<string, MessageWriter>();
    for (const [kind, contentType, first] of CHANNELS) {
      const url = host.url(kind);
      await host.make(kind, contentType);
      await client.do("watch", { url, kind });
      const { emptySegmentMs } = SILENCE;
      const writer = new MessageWriter({ url }, { contentType, emptySegmentMs });
      writer.send(`${JSON.stringify(first)}\n`);
      writers.set(kind, writer);
    }
    for (const [kind, , first] of CHANNELS) {
      const next = async () => Number(await (await fetch(`${host.url(kind)}/next`)).text());
      await waitFor("a long silence", async () => (await next()) > SILENCE.segments);
      writers.get(kind)?.send('{"after":"silence"}\n');
      await waitFor("both messages", () => client.with(kind).length === 2);
      const seen = client.with(kind).map((line) => line[kind]);
      expect(seen).toEqual([first, { after: "silence" }]);
    }
    for (const [kind] of CHANNELS) await fetch(host.url(kind), { method: "DELETE" });
    await client.do("watched"); // raises what a reader raised
    for (const writer of writers.values()) await writer.close();
  },
);
