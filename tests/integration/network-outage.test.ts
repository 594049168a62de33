/** What an outage of the path to a trickle server costs: connections break, and new ones are refused for a while. */
import { expect, test } from "bun:test";
import { NetworkPath } from "../support/network-path.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

test("a segment that an outage cut off is closed when the server is back, so that its readers go on", async () => {
  await using host = hostTrickle();
  await using path = await NetworkPath.open(host.port);
  await fetch(host.url("out"), { method: "POST" });
  const publisher = await publisherTo(`http://127.0.0.1:${path.port}/trickle/out`);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("cut off"), first: true });
  const seen: SeenSegment[] = [];
  const reading = readSegments(host.url("out"), 2, { start: 0, readTimeoutMs: 60_000 }, seen);
  const gateway = await fetch(`${host.url("out")}/0`);
  await path.cut();
  await Bun.sleep(300); // the outage itself: what is tried within it fails
  await path.mend();
  expect(await gateway.text()).toBe("cut off");
  await waitFor("segments go on", async () => {
    await writer.write({ data: bytes("next"), first: true, last: true });
    return seen.length === 2;
  });
  expect((await reading).map(({ text }) => text)).toEqual(["cut off", "next"]);
  await writer.close();
});
