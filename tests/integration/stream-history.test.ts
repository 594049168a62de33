/** What an ended stream keeps: nothing of the channels that were opened for it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Admission } from "../../src/server/admission.ts";
import { byocProtocol } from "../../src/server/protocols/byoc/byoc-protocol.ts";
import { StreamStore } from "../../src/server/streams/store.ts";
import type { Stream } from "../../src/server/streams/stream.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

test("the observers and the long prompts of an orchestrator's ended streams are collected", async () => {
  await using trickle = hostTrickle();
  const protocol = byocProtocol();
  const store = new StreamStore(
    {
      start: (work) => work.receive({ type: "started", id: work.id }),
      update() {},
      stop: (work) => work.receive({ type: "ended", id: work.id }),
    },
    { admission: new Admission(10), historyMs: 60_000 },
  );
  const held: WeakRef<object>[] = [];
  const begin = async (id: string): Promise<void> => {
    const channels: Record<string, { url: string }> = {};
    for (const name of ["control", "events", "data"]) {
      await trickle.make(`${id}-${name}`, "application/json");
      channels[name] = { url: trickle.url(`${id}-${name}`) };
    }
    const params = { prompts: Array.from({ length: 8 }, () => "x".repeat(10_000)) };
    const start = protocol.readStart({ gateway_request_id: id, params }, id);
    held.push(new WeakRef(start));
    const { params: defaults, container } = protocol.defaults("clock");
    store.accept({
      id,
      protocol,
      channels: protocol.shownChannels(start),
      capability: null,
      spec: { container, segment_seconds: 2, audio: "none" },
      params: defaults,
      defaults,
      observe: (stream: Stream) => {
        const control = { update: async () => ({ ignored: [] }), end: () => {} };
        const observer = protocol.observe(stream, start, channels, control);
        if (observer) held.push(new WeakRef(observer));
        return observer;
      },
    });
  };
  for (const id of ["a", "b", "c", "d", "e"]) {
    await begin(id);
    await store.stop(id)?.released;
  }
  expect(store.list("all")).toHaveLength(5);
  // A conservative collector may find a stale pointer to the last of them on the stack.
  const left = () => held.filter((reference) => reference.deref() !== undefined).length;
  await waitFor("them to be collected", () => {
    Bun.gc(true);
    return left() <= 2;
  });
});
