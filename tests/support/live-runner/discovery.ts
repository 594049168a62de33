/** Lists the registered runners as `GET /discovery` does. */
import { isReady } from "./registry.ts";
import type { StandInOrchestrator } from "./stand-in.ts";

export function discovery({ dialect, registry, url }: StandInOrchestrator): object {
  const runners = [...registry.runners.values()].filter(isReady).flatMap((runner) => {
    const { id, offer, sessions } = runner;
    const { app, version, metadata, mode, capacity, gpu } = offer;
    const available = capacity - sessions.size;
    if (available <= 0 && !dialect.listsFullRunners) return [];
    const priced = dialect.name === "livepeer-node";
    return [
      {
        url: `${url}/apps/${id}/${mode === "single-shot" ? "app" : "session"}`,
        ...(gpu !== undefined && { gpu }),
        app,
        ...(version !== "" && { version }),
        ...(metadata !== "" && { metadata }),
        mode,
        capacity,
        capacity_used: sessions.size,
        capacity_available: available, // below 0 on go-livepeer while a lowered capacity is overdrawn
        ...(priced && { price_info: { price: 0, currency: "", unit: "" } }),
      },
    ];
  });
  return [{ address: url, runners }];
}
