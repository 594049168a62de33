/** A TCP path between a worker and a trickle server that can be cut: connections break, new ones are refused. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class NetworkPath implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  /** To a port of this machine. */
  static async open(target: number): Promise<NetworkPath> {
    const server = createServer();
    await listen(server, 0);
    return new NetworkPath(server, target);
  }

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    this.port = address.port;
    this.#serve(server);
  }

  /** Sockets open, two for each connection through. */
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
        socket.on("error", () => {}); // `close` follows
        socket.on("close", (broken) => {
          this.#sockets.delete(socket);
          if (broken) other.destroy();
          // Of one that has gone nobody reads any more: what it had sent still arrives.
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
