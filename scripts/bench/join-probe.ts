/** What a page records about its own playback for benchmark `join`. The recorder is text: it is the browser's. */

/** In milliseconds of the page's `performance.now()`, 0 being its navigation. */
export type Seen =
  /** Click; request for the current segment and its head; first bytes given to the player, taken by it; parameters posted. */
  | {
      readonly what: "click" | "asked" | "head" | "append" | "appended" | "change";
      readonly at: number;
    }
  | {
      readonly what: "picture";
      readonly at: number;
      /** Its pts in seconds. */
      readonly media: number;
      /** 8 × 8 pixels, red, green and blue of each; none of the pictures of a join. */
      readonly pixels: readonly number[];
    };

export type Picture = Extract<Seen, { what: "picture" }>;

/** When it was first seen; NaN if never. */
export const timeOf = (seen: readonly Seen[], what: Seen["what"]): number =>
  seen.find((one) => one.what === what)?.at ?? Number.NaN;

/**
 * To be run in a page before its own scripts. Leaves `takeTrace()`, what was seen since it was last called, as `Seen[]`;
 * `picture(ms)`, which resolves when a picture is among it and rejects after so long; `watchPixels`, off at first.
 * A picture's time is when it is expected on the display, or when its callback ran if that is later.
 */
export const PROBE = `(() => {
  let trace = [];
  let shown = Promise.withResolvers();
  window.takeTrace = () => {
    const taken = trace;
    trace = [];
    shown = Promise.withResolvers();
    return taken;
  };
  window.picture = (ms) => {
    setTimeout(shown.reject, ms, new Error("no picture in " + ms + " ms"));
    return shown.promise;
  };
  window.watchPixels = false;
  const note = (what, at = performance.now()) => trace.push({ what, at });
  document.addEventListener("click", (event) => note("click", event.timeStamp), true);

  const send = window.fetch;
  window.fetch = async (...args) => {
    const url = String(args[0]?.url ?? args[0]);
    if (url.endsWith("/params")) note("change");
    if (!url.endsWith("/-2")) return send(...args);
    note("asked");
    const response = await send(...args);
    note("head");
    return response;
  };

  const give = SourceBuffer.prototype.appendBuffer;
  const fed = new WeakSet();
  SourceBuffer.prototype.appendBuffer = function (bytes) {
    if (!fed.has(this)) {
      fed.add(this);
      note("append");
      this.addEventListener("updateend", () => note("appended"), { once: true });
    }
    return give.call(this, bytes);
  };

  const context = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  const pixelsOf = (video) => {
    context.drawImage(video, 0, 0, 8, 8);
    return [...context.getImageData(0, 0, 8, 8).data].filter((_, index) => index % 4 !== 3);
  };
  const watch = (video) =>
    video.requestVideoFrameCallback((_, { mediaTime, expectedDisplayTime }) => {
      const at = Math.max(performance.now(), expectedDisplayTime);
      const pixels = window.watchPixels ? pixelsOf(video) : [];
      trace.push({ what: "picture", at, media: mediaTime, pixels });
      shown.resolve();
      watch(video);
    });
  const known = new WeakSet();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) {
      if (known.has(video)) continue;
      known.add(video);
      watch(video);
    }
  }).observe(document, { childList: true, subtree: true });
})()`;
