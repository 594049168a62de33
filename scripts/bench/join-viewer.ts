/** A viewer in a real Chromium: opens the playground, joins a stream of several, changes the parameters of one. */
import type { Locator, Page } from "playwright-core";
import type { Browser } from "../../tests/support/browser.ts";
import { PROBE, type Seen } from "./join-probe.ts";

/** Limit on waiting for a picture. */
const PATIENCE_MS = 20_000;

export class Viewer implements AsyncDisposable {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Opens a new page that shows the only stream. */
  static async open(browser: Browser, url: string): Promise<Viewer> {
    return await Viewer.#open(browser, url, (viewer) => viewer.#picture());
  }

  /** Opens a new page that lists several streams, from which its user has chosen none. */
  static async openList(browser: Browser, url: string): Promise<Viewer> {
    return await Viewer.#open(browser, url, (viewer) => viewer.#rows.first().waitFor());
  }

  static async #open(
    browser: Browser,
    url: string,
    isReady: (viewer: Viewer) => Promise<void>,
  ): Promise<Viewer> {
    const page = await browser.context.newPage();
    try {
      await page.addInitScript(PROBE);
      await page.goto(url);
      const viewer = new Viewer(page);
      await isReady(viewer);
      return viewer;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  /** What the page has recorded since the last call. */
  async trace(): Promise<Seen[]> {
    return await this.#page.evaluate("takeTrace()");
  }

  /** Clicks the stream of this model in the list and waits for its first picture. */
  async join(model: string): Promise<void> {
    await this.trace();
    await this.#rows.filter({ hasText: model }).click();
    await this.#picture();
  }

  /** Records the pixels of every picture from now on. */
  async watchPixels(): Promise<void> {
    await this.#page.evaluate("watchPixels = true");
  }

  /** Posts new parameters from the page. Throws if they are refused. */
  async change(id: string, body: unknown): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const options = { method: "POST", headers, body: JSON.stringify(body) };
    const status = await this.#page.evaluate(
      `fetch("/stream/${id}/params", ${JSON.stringify(options)}).then(({ status }) => status)`,
    );
    if (status !== 200) throw new Error(`the change was answered with ${status}`);
  }

  /** Milliseconds that the page takes to fetch one complete segment. */
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

  get #rows(): Locator {
    return this.#page.locator(".streams .row");
  }

  async #picture(): Promise<void> {
    await this.#page.evaluate(`picture(${PATIENCE_MS})`);
  }
}
