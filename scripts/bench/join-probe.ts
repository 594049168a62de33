/** Records a page's own playback for benchmark `join`. The recorder is a string because it runs in the browser. */

/** Times are milliseconds of the page's `performance.now()`; 0 is its navigation. */
export type Seen =
  /**
   * The click; the request for the current segment and its response head; the first bytes given to the browser, and taken by
   * its SourceBuffer or decoded; parameters posted.
   */
  | {
      readonly what: "click" | "asked" | "head" | "append" | "appended" | "change";
      readonly at: number;
    }
  | {
      readonly what: "picture";
      readonly at: number;
      /** Its pts in seconds. */
      readonly media: number;
      /** Red, green and blue of 8 × 8 pixels; not recorded while joining. */
      readonly pixels: readonly number[];
    };

export type Picture = Extract<Seen, { what: "picture" }>;

/** Time of the first event of this kind; NaN if there is none. */
export const timeOf = (seen: readonly Seen[], what: Seen["what"]): number =>
  seen.find((one) => one.what === what)?.at ?? Number.NaN;

/**
 * Runs in a page before its own scripts. Defines `takeTrace()`, which returns what was seen since the last call as `Seen[]`;
 * `picture(ms)`, which resolves when a picture has been seen and rejects after `ms`; and `watchPixels`, initially off.
 * A picture's time is its expected display time, or the time of its callback if that is later.
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
  const feed = (sink) => {
    if (fed.has(sink)) return false;
    fed.add(sink);
    note("append");
    return true;
  };
  SourceBuffer.prototype.appendBuffer = function (bytes) {
    if (feed(this)) this.addEventListener("updateend", () => note("appended"), { once: true });
    return give.call(this, bytes);
  };
  const Decoder = window.VideoDecoder;
  if (Decoder)
    window.VideoDecoder = class extends Decoder {
      constructor({ output, error }) {
        let first = true;
        const noted = (frame) => {
          if (first) note("appended");
          first = false;
          output(frame);
        };
        super({ output: noted, error });
      }
      decode(chunk) {
        feed(this);
        super.decode(chunk);
      }
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
