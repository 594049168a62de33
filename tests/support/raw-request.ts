/** Sends an HTTP request byte for byte, so that no client normalizes its path, Host or headers. */
import { connect } from "node:net";

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Default 1.1. */
  readonly version?: "1.0" | "1.1";
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends the request on a connection of its own and reads the response to its end. */
export async function rawRequest(
  host: string,
  port: number,
  { method, path, headers, body, version = "1.1" }: RawRequest,
): Promise<RawResponse> {
  const socket = connect(port, host);
  const lines = [
    `${method} ${path} HTTP/${version}`,
    ...Object.entries({ ...headers, Connection: "close" }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    ...(body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  } finally {
    socket.destroy();
  }
  return parse(Buffer.concat(chunks).toString("latin1"));
}

function parse(text: string): RawResponse {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const [name = "", ...value] = line.split(":");
    headers.append(name, value.join(":").trim());
  }
  return { status: Number(first.split(" ")[1]), headers, body: text.slice(end + 4) };
}
