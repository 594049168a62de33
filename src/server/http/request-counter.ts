/** Counts HTTP requests by route pattern and response status. */
import { Elysia } from "elysia";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

export const requestCounter = (metrics: Pick<ServerMetrics, "answered">) =>
  new Elysia({ name: "request-counter" }).onAfterResponse(
    { as: "global" },
    ({ request, route, set, responseValue }) => {
      const status = responseValue instanceof Response ? responseValue.status : set.status;
      metrics.answered(request.method, route, typeof status === "number" ? status : 200);
    },
  );
