/** Tokens of the style sheet as a canvas takes them: `--text` as `rgb(22, 32, 29)`. */
export type ColourOf = (token: string) => string;

/** Looks colours up where an element stands. */
export function colourOf(place: HTMLElement): ColourOf {
  return (token) => {
    const probe = document.createElement('i');
    place.append(probe);
    probe.style.color = `var(${token})`;
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
