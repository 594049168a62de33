/** Loads node-av and onnxruntime and then idles: the minimum memory of an engine. Prints a URL when ready. */
import "node-av";
import "onnxruntime-node";

process.on("SIGTERM", () => process.exit(0));
console.log("http://loaded");
setInterval(() => {}, 1 << 30);
