/** Remembers the streams of this tab across reloads: which it may change, and which was on screen. */

interface Remembered {
  readonly onScreen: string | null;
  /** Those that the page started or took over, oldest first. */
  readonly controlled: readonly ControlledStream[];
}

interface ControlledStream {
  readonly id: string;
  /** Its video came from the camera of this page, which a reload turns off. */
  readonly camera: boolean;
}

const KEY = "streams";
const NOTHING: Remembered = { onScreen: null, controlled: [] };
const MAX_CONTROLLED = 50;

/** The stream that was on screen last. */
export const lastOnScreen = (): string | null => remembered().onScreen;

export const isControlled = (id: string): boolean =>
  remembered().controlled.some((stream) => stream.id === id);

export const usedCamera = (id: string): boolean =>
  remembered().controlled.some((stream) => stream.id === id && stream.camera);

export const rememberOnScreen = (id: string | null): void =>
  remember({ ...remembered(), onScreen: id });

/** The page may change the stream from now on. */
export function rememberControlled(stream: ControlledStream): void {
  const { controlled, ...rest } = remembered();
  const others = controlled.filter(({ id }) => id !== stream.id);
  remember({ ...rest, controlled: [...others, stream].slice(-MAX_CONTROLLED) });
}

function remembered(): Remembered {
  const text = sessionStorage.getItem(KEY);
  // Only this page writes there.
  return text === null ? NOTHING : (JSON.parse(text) as Remembered);
}

const remember = (now: Remembered): void => sessionStorage.setItem(KEY, JSON.stringify(now));
