/** Reference of the http benchmark: text-reversal without the product. `bun http-peer.ts checks|libraries|nothing` prints its URL. */
import { cors } from "@elysiajs/cors";
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

/**
 * `checks`: written directly on Bun.serve. `nothing` answers at once, which gives the cost of the load generator and the
 * socket alone. `libraries`, below: with those that the product uses.
 */
const answer: Record<string, (request: Request) => Response | Promise<Response>> = {
  checks: reverse,
  nothing: () => new Response("ok"),
};

/** CORS lists fixed headers, as the product does: by default the plugin reads those of each request. */
function reverser() {
  const text = Type.String();
  const rules = cors({
    origin: /localhost/,
    credentials: false,
    methods: ["POST"],
    allowedHeaders: ["Content-Type", "Livepeer"],
    exposeHeaders: ["X-Metadata"],
  });
  return new Elysia({ normalize: false }).use(rules).post(
    "/process/request/text-reversal",
    ({ headers, body, status }) => {
      if (!isJob(headers.livepeer)) return status(400, { error: "Livepeer is not usable" });
      return { original: body.text, reversed: [...body.text].reverse().join("") };
    },
    {
      headers: Type.Object({ livepeer: text }),
      body: Type.Object({ text }),
      response: {
        200: Type.Object({ original: text, reversed: text }),
        400: Type.Object({ error: text }),
      },
    },
  );
}

async function reverse(request: Request): Promise<Response> {
  if (request.method !== "POST") return refused(405, "method");
  if (!new URL(request.url).pathname.endsWith("/process/request/text-reversal")) {
    return refused(404, "capability");
  }
  const header = request.headers.get("livepeer");
  if (header === null || !isJob(header)) return refused(400, "Livepeer");
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    return refused(400, "body"); // the reason does not matter here
  }
  if (typeof body !== "object" || body === null || !("text" in body)) return refused(400, "text");
  const { text } = body;
  if (typeof text !== "string") return refused(400, "text");
  return Response.json({ original: text, reversed: [...text].reverse().join("") });
}

/** Whether the header is base64 of a JSON object whose known members have the right types. */
function isJob(header: string): boolean {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(header)) return false;
  try {
    const job: unknown = JSON.parse(Buffer.from(header, "base64").toString());
    if (typeof job !== "object" || job === null || Array.isArray(job)) return false;
    const texts = ["request", "parameters", "capability"];
    const seconds: unknown = Reflect.get(job, "timeout_seconds");
    return (
      texts.every((name) => ["string", "undefined"].includes(typeof Reflect.get(job, name))) &&
      (seconds === undefined || (Number.isInteger(seconds) && Number(seconds) > 0))
    );
  } catch {
    return false; // not JSON, so not a job
  }
}

const refused = (status: number, field: string): Response =>
  Response.json({ error: `${field} is not usable` }, { status });

const [, , way = "checks"] = process.argv;
const listens = { hostname: "127.0.0.1", port: 0 };
const server =
  way === "libraries"
    ? reverser().listen(listens).server
    : Bun.serve({ ...listens, fetch: answer[way] ?? reverse });
process.on("SIGTERM", () => process.exit(0));
console.log(`http://127.0.0.1:${server?.port}`);
