import { expect, test } from "bun:test";
import { Admission } from "../../../../src/server/admission.ts";
import { ServerMetrics } from "../../../../src/server/metrics/server-metrics.ts";
import { byocProtocol } from "../../../../src/server/protocols/byoc/byoc-protocol.ts";
import { CLOCK_DEFAULTS } from "../../../../src/server/streams/params.ts";
import { StreamStore } from "../../../../src/server/streams/store.ts";

const params = CLOCK_DEFAULTS;

test("the seconds of streams never fall, whether they live, end or are forgotten", async () => {
  const metrics = new ServerMetrics("1.2.3");
  const store = new StreamStore(
    {
      start: (work) => work.receive({ type: "started", id: work.id }),
      update() {},
      stop: (work) => work.receive({ type: "ended", id: work.id }),
    },
    { admission: new Admission(9), historyMs: 0, observer: metrics.storeObserver },
  );
  const seconds = async (labels: string) => {
    const [, value] =
      (await metrics.text()).match(
        new RegExp(`^comfystream_stream_seconds_total\\{${labels}\\} (.+)$`, "m"),
      ) ?? [];
    return Number(value);
  };
  const live = 'protocol="byoc",state="live"';
  const readings = [await seconds(live)];
  const protocol = byocProtocol();
  for (const id of ["a", "b", "c", "d", "e"]) {
    const stream = store.accept({
      id,
      protocol,
      capability: null,
      params,
      defaults: params,
      channels: { stream_url: null, input_url: null },
      spec: { container: "mpegts", segment_seconds: 2, audio: "none" },
    });
    stream.receive({ type: "showing", id, output: "live" });
    await Bun.sleep(3); // the passing of time is what is measured
    readings.push(await seconds(live));
    if (id !== "c") await store.stop(id)?.released;
    readings.push(await seconds(live));
  }
  expect(store.list("all")).toHaveLength(1);
  expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  expect(readings[0]).toBe(0);
  expect(readings.at(-1)).toBeGreaterThan(0.015);
  expect(await seconds('protocol="seed",state="paused"')).toBe(0);
});
