/** A TCP relay between a worker and a trickle server that can be cut, which breaks connections and refuses new ones. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class NetworkPath implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  /** Relays to a port of this machine. */
  static async open(target: number): Promise<NetworkPath> {
    const server = createServer();
    await listen(server, 0);
    return new NetworkPath(server, target);
  }

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    const address = server.address();
    if (typeof address !== "object" || address === null)
      throw new Error("the relay is not listening");
    this.port = address.port;
    this.#serve(server);
  }

  /** Number of open sockets, two for each connection. */
  get sockets(): number {
    return this.#sockets.size;
  }

  /** Breaks all connections and refuses new ones until `mend`. */
  async cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    this.#server = createServer();
    this.#serve(this.#server);
    await listen(this.#server, this.port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }

  #serve(server: Server): void {
    server.on("connection", (near) => {
      const far = connect(this.#target, "127.0.0.1");
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => {}); // followed by `close`
        socket.on("close", (broken) => {
          this.#sockets.delete(socket);
          if (broken) other.destroy();
          // This side is closed and reads no more; what it has sent still arrives.
          else other.end(() => other.destroy());
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  }
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
