/** Loaded before every test file: a rejection nobody handles fails the run. */
process.on("unhandledRejection", (error) => {
  console.error("unhandled rejection:", error);
  process.exit(1);
});
