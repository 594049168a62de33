/** Floor of the trickle benchmark: copies bytes from one TCP connection to the next one that was made. Prints a URL with its port. */
import { createServer, type Socket } from "node:net";

/** Has come and waits for its reader. */
let publisher: Socket | null = null;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy()); // the load is over
  if (publisher === null) {
    publisher = socket;
    socket.on("close", () => {
      if (publisher === socket) publisher = null;
    });
    return;
  }
  publisher.pipe(socket);
  publisher = null;
});
process.on("SIGTERM", () => process.exit(0));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  console.log(`http://127.0.0.1:${address.port}`);
});
