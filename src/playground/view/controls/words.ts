/** Turns the name of a parameter into words: `blur_radius` is `Blur radius`. */
export const words = (name: string): string => {
  const spaced = name.replace(/[_-]+/g, " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};
