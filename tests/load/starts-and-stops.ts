/** Starts and stops thousands of streams, one after the other. */
import { enginePid } from "../support/live-stream.ts";
import { residentOf } from "../support/process-memory.ts";
import { backToBefore, type Load } from "./load.ts";

/** So many streams have gone before memory is looked at: heaps and caches have found their size. */
const WARM_UP = 500;
/** Of server and engine, in MiB, over all that follow. */
const GROWTH_MIB = 48;

export const startsAndStops = (count: number): Load => ({
  name: "starts and stops",
  description: `${count} streams are started and stopped, one after the other`,
  async run({ api, server }) {
    const url = `${server.url}/trickle/brief`;
    const params = { model: "test-card", fps: 1, width: 64, height: 64 };
    let warm = { server: 0, engine: 0 };
    const memory = async () => ({
      server: residentOf(server.pid),
      engine: residentOf(await enginePid(server.url)),
    });
    const begun = performance.now();
    for (let n = 0; n < count; n++) {
      if (n === Math.min(WARM_UP, count - 1)) warm = await memory();
      await api.stop(await api.start({ stream_url: url, ...params }));
    }
    const seconds = (performance.now() - begun) / 1000;
    const now = await memory();
    return [
      {
        what: "each is started and stopped",
        measured: `${count} in ${seconds.toFixed(0)} s, ${((seconds / count) * 1000).toFixed(1)} ms each`,
        holds: true,
      },
      {
        what: `the streams after the first ${WARM_UP} add less than ${GROWTH_MIB} MiB to server and engine`,
        measured: `after ${Math.min(WARM_UP, count - 1)}: server ${warm.server.toFixed(0)} MiB, engine ${warm.engine.toFixed(0)} MiB; after ${count}: ${now.server.toFixed(0)}, ${now.engine.toFixed(0)} MiB`,
        holds: now.server < warm.server + GROWTH_MIB && now.engine < warm.engine + GROWTH_MIB,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, { withinMs: 30_000 }),
});
