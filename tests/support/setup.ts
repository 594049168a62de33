/** Loaded before every test file: makes an unhandled rejection fail the run. */
process.on("unhandledRejection", (error) => {
  console.error("unhandled rejection:", error);
  process.exit(1);
});
