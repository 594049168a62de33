/** A viewer in a real Chromium: comes to the playground, leaves the stream, joins it again, changes what it shows. */
import type { Page } from "playwright-core";
import type { Browser } from "../../tests/support/browser.ts";
import { PROBE, type Seen } from "./join-probe.ts";

/** A picture that takes longer is none. */
const PATIENCE_MS = 20_000;

export class Viewer implements AsyncDisposable {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** A page of its own that has navigated and shows the newest stream. */
  static async open(browser: Browser, url: string): Promise<Viewer> {
    const page = await browser.context.newPage();
    try {
      await page.addInitScript(PROBE);
      await page.goto(url);
      const viewer = new Viewer(page);
      await viewer.#picture();
      return viewer;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  /** What it has seen since it was last asked. */
  async trace(): Promise<Seen[]> {
    return await this.#page.evaluate("takeTrace()");
  }

  /** Takes the stream off the screen; the page stays. */
  async leave(): Promise<void> {
    await this.#page.getByRole("button", { name: "New stream" }).click();
    await this.#page.locator("video").waitFor({ state: "detached" });
  }

  /** Clicks the running stream in the list and waits for its first picture. */
  async join(): Promise<void> {
    await this.trace();
    await this.#page.locator(".streams .row").first().click();
    await this.#picture();
  }

  /** From here on every picture is recorded with its pixels. */
  async watchPixels(): Promise<void> {
    await this.#page.evaluate("watchPixels = true");
  }

  /** Posts new parameters from the page; resolves with the answer. Throws where it is a refusal. */
  async change(id: string, body: unknown): Promise<void> {
    const options = { method: "POST", body: JSON.stringify(body) };
    const status = await this.#page.evaluate(
      `fetch("/stream/${id}/params", ${JSON.stringify(options)}).then(({ status }) => status)`,
    );
    if (status !== 200) throw new Error(`the change was answered with ${status}`);
  }

  /** Milliseconds in which the page fetches one whole segment that lies ready. */
  async fetchSegment(channel: string): Promise<number> {
    return await this.#page.evaluate(`(async () => {
      const seq = Number(await (await fetch("${channel}/next")).text()) - 2;
      const begun = performance.now();
      const response = await fetch("${channel}/" + seq, { cache: "no-store" });
      const { byteLength } = await response.arrayBuffer();
      if (!response.ok || byteLength === 0) throw new Error("no segment " + seq);
      return performance.now() - begun;
    })()`);
  }

  /** Unix time of the page's clock at 0, in milliseconds. */
  async timeOrigin(): Promise<number> {
    return await this.#page.evaluate("performance.timeOrigin");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close();
  }

  async #picture(): Promise<void> {
    await this.#page.evaluate(`picture(${PATIENCE_MS})`);
  }
}
