/** Files imported `with { type: "file" }`: the import is the file's path, also in a compiled binary. */
declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: the form that Bun gives file imports
  export default path;
}
declare module "swagger-ui-dist/swagger-ui.css" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: the form that Bun gives file imports
  export default path;
}
