/** The soak's BYOC stream: of a simulated orchestrator and gateway, with all channels and all of the gateway's watchdogs. */
import { ClipFeed } from "../../faults/input/clip-feed.ts";
import type { FaultyTrickle } from "../../faults/peer/faulty-trickle.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { GatewayStandIn } from "../../support/gateway.ts";
import type { OrchestratorStreams } from "../../support/gateway-orchestrator.ts";
import { OutputWatch } from "../output-watch.ts";
import type { Change, SoakStream } from "./soak-stream.ts";

export interface ByocOptions {
  readonly streams: OrchestratorStreams;
  readonly trickle: FaultyTrickle;
  readonly media: ReadMedia;
}

/** The gateway believes that input flows: an output that stays away for 30 s fires its watchdog. */
const INPUT_MS = 1000;

export async function startByoc({ streams, trickle, media }: ByocOptions): Promise<SoakStream> {
  await using started = new AsyncDisposableStack();
  const id = `soak-${crypto.randomUUID()}`;
  const flags = { ingress: true, egress: true, data: true };
  const params = { model: "identity" };
  const gateway = started.use(await GatewayStandIn.start({ streams, id, flags, params }));
  const url = streams.url(id, "input");
  const input = started.use(await ClipFeed.open({ url, container: "mpegts", media }));
  const watch = started.use(new OutputWatch(streams.url(id, "output"), "mpegts"));
  const timer = setInterval(() => gateway.watchdogs.wrote("input", performance.now()), INPUT_MS);
  started.defer(() => clearInterval(timer));
  const owned = started.move();
  let updates = 0;
  return {
    name: "BYOC" as const,
    id,
    trickle,
    input,
    watch,
    async change(change: Change) {
      // Both ways of a gateway take turns.
      if (++updates % 2 === 0) return gateway.control(change);
      const { status, text } = await streams.update(id, change);
      if (status !== 200) throw new Error(`params: ${status} ${text}`);
    },
    problems: () => [
      ...gateway.watchdogs.firings.map(({ watchdog, reason }) => `${watchdog}: ${reason}`),
      ...gateway.faults,
    ],
    async stop() {
      gateway.leave();
      await input[Symbol.asyncDispose]();
      const { status, text } = await gateway.stop();
      if (status !== 200) throw new Error(`stop: ${status} ${text}`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
