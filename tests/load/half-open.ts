/** Opens connections whose client sends or reads nothing, or not everything. */
import { connect, type Socket } from "node:net";
import { IDLE_SECONDS } from "../../src/server/http/connection-limits.ts";
import { waitFor } from "../support/wait-for.ts";
import { backToBefore, type Load, type Promised } from "./load.ts";

const OF_EACH_KIND = 25;
const SECONDS = 20;
const DRIP_MS = 2000;
/** A stalled reader below /trickle is noticed after two minutes, by a look once a minute; sockets' clocks tick every 4 s. */
const LONGEST_MS = (IDLE_SECONDS + 60 + 10) * 1000;

interface Kind {
  readonly name: string;
  readonly text: string;
  /** Sent again and again. */
  readonly drip?: string;
  /** Whether the client reads. */
  readonly reads?: false;
}

const HEAD = "HTTP/1.1\r\nHost: 127.0.0.1\r\n";
const KINDS: readonly Kind[] = [
  { name: "nothing is sent", text: "" },
  { name: "half a head", text: `POST /stream/start ${HEAD}` },
  { name: "a head, byte by byte", text: `POST /stream/start ${HEAD}X: `, drip: "x" },
  { name: "half a body", text: `POST /stream/start ${HEAD}Content-Length: 1000\r\n\r\n{"` },
  {
    name: "a body, byte by byte",
    text: `POST /c/text-reversal ${HEAD}Content-Length: 100000\r\n\r\n{"text":"`,
    drip: "x",
  },
  {
    name: "half a chunk",
    text: `POST /c/text-reversal ${HEAD}Transfer-Encoding: chunked\r\n\r\n10000\r\n{"text":"`,
  },
  { name: "a page is not read", text: `GET /openapi/json ${HEAD}\r\n`.repeat(40), reads: false },
  { name: "video is not read", text: `GET /trickle/drawn/-1 ${HEAD}\r\n`, reads: false },
];

/** Connections of this process by kind; the kernel's own table says which are still open. */
function open(port: number): { readonly sockets: readonly Socket[]; stop(): void } {
  const timers: Timer[] = [];
  const sockets = KINDS.flatMap(({ text, drip, reads = true }) =>
    Array.from({ length: OF_EACH_KIND }, () => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: false });
      socket.on("error", () => {}); // the server may cut it off
      if (!reads) socket.pause();
      else socket.resume();
      if (text !== "") socket.write(text);
      if (drip !== undefined) timers.push(setInterval(() => socket.write(drip), DRIP_MS));
      return socket;
    }),
  );
  const stop = () => {
    for (const timer of timers) clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
  return { sockets, stop };
}

let opened: ReturnType<typeof open> | null = null;

export const halfOpen: Load = {
  name: "200 half-open connections",
  description: `${KINDS.length * OF_EACH_KIND} connections, ${OF_EACH_KIND} of each kind: ${KINDS.map(({ name }) => name).join("; ")}. Media is watched for ${SECONDS} s; then the connections are left to the server`,
  async run({ server }) {
    opened = open(server.port);
    const { sockets } = opened;
    await waitFor("all connections", () => sockets.every(({ connecting }) => !connecting));
    await Bun.sleep(SECONDS * 1000);
    return [];
  },
  async after(scene, before): Promise<readonly Promised[]> {
    const back = await backToBefore(scene, before, { withinMs: LONGEST_MS, sockets: 8 });
    opened?.stop();
    return back;
  },
};
