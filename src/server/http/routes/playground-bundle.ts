/** Bundles the playground's code into one page, at first use or when the binary is built. */
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "../../../playground");

let made: Promise<string> | undefined;

/**
 * The whole page in one document, with script and style. The binary contains the result in place of this file
 * (scripts/build-binary.ts).
 */
export function playgroundPage(): Promise<string> {
  made ??= bundlePlayground();
  return made;
}

/** Throws an AggregateError with the bundler's messages. */
export async function bundlePlayground(): Promise<string> {
  const [template, { outputs }] = await Promise.all([
    Bun.file(join(SOURCE, "index.html")).text(),
    Bun.build({
      entrypoints: [join(SOURCE, "main.tsx"), join(SOURCE, "style/page.css")],
      target: "browser",
      minify: true,
      define: { "process.env.NODE_ENV": '"production"' },
    }),
  ]);
  const made = (type: string): Promise<string> => {
    const output = outputs.find((one) => one.type.startsWith(type));
    if (output === undefined) throw new Error(`the bundler produced no ${type}`);
    return output.text();
  };
  const [style, script] = await Promise.all([made("text/css"), made("text/javascript")]);
  return template
    .replace("/*style*/", () => style)
    .replace("/*script*/", () => script.replaceAll("</script", "<\\/script")); // it would end the script
}
