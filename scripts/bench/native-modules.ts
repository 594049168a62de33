/** Loads node-av and onnxruntime and does nothing: the floor under an engine's memory. Prints a URL's worth of readiness. */
import "node-av";
import "onnxruntime-node";

process.on("SIGTERM", () => process.exit(0));
console.log("http://loaded");
setInterval(() => {}, 1 << 30);
