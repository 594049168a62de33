/** Keeps what is being typed into a field until it is used or the field is left: the page renders again for other reasons. */
import { useState } from "preact/hooks";

export function useTyped(value: string) {
  const [typed, type] = useState<string | null>(null);
  return { shown: typed ?? value, type, end: () => type(null) };
}
