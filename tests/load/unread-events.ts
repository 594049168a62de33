/** Asks for event streams and does not read them. */
import { connect } from "node:net";
import type { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { TALKING_MODEL, talkingGraph } from "../support/talking-model.ts";
import { waitFor } from "../support/wait-for.ts";
import { backToBefore, type Load } from "./load.ts";

const SECONDS = 10;
/** As many as a stream takes. */
const READERS = 8;
const PICTURE = { prompts: "a lake", model: "dreamscape", width: 1024, height: 1024 };

export const prepareTalking = (workspace: OnnxWorkspace): Promise<void> =>
  workspace.add("talking", TALKING_MODEL, talkingGraph());

export const unreadEvents = (workspace: OnnxWorkspace): Load => ({
  name: "event streams that are not read",
  description: `${READERS} callers ask for the data of a stream at 30 fps and read nothing; one more asks for a picture of 1024 × 1024 as events and reads nothing; ${SECONDS} s`,
  scene: { flags: ["--workspace", workspace.path] },
  // A model keeps the memory of its runs for the next ones of that size.
  warmUp: (scene) => scene.ask("POST", "/c/comfystream-image", JSON.stringify(PICTURE)),
  async run({ api, server }) {
    const id = await api.start({
      stream_url: `${server.url}/trickle/talking`,
      model: "talking",
      fps: 30,
      width: 64,
      height: 64,
    });
    const reports = async () => (await api.stream(id)).stats.frames_out;
    await waitFor("its pictures", async () => (await reports()) > 30, 30_000);
    const picture = JSON.stringify({ ...PICTURE, stream: true });
    const head = `HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
    const requests = [
      ...Array<string>(READERS).fill(`GET /stream/${id}/data ${head}\r\n`),
      `POST /c/comfystream-image ${head}Content-Length: ${picture.length}\r\n\r\n${picture}`,
    ];
    const sockets = requests.map((text) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // the server may cut it off
      socket.pause();
      socket.write(text);
      return socket;
    });
    const refused = async () => {
      const answer = await fetch(`${server.url}/stream/${id}/data`);
      await answer.body?.cancel();
      return answer.status === 503;
    };
    await waitFor("all readers", refused, 20_000);
    await Bun.sleep(SECONDS * 1000);
    const { status } = await api.stream(id);
    for (const socket of sockets) socket.destroy();
    await waitFor("a place for a reader", async () => !(await refused()), 20_000);
    await api.stop(id);
    const places = async () => (await api.health()).used;
    await waitFor("the place of the job", async () => (await places()) === 2, 60_000);
    return [
      {
        what: "the stream goes on, a further reader is refused with 503, and callers that leave make room",
        measured: `the stream was ${status}; the ninth reader got 503, and 200 after the others had left; the job's place is free`,
        holds: status === "active",
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, { withinMs: 20_000 }),
});
