/** Preload of `bench budget` for the server and its engine: measures in the engine, and does nothing in the server. */
if (process.argv[2] === "engine") await import("./engine-probe.ts");

export {}; // await needs a module
