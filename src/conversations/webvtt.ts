/** What is shown, from when to when; seconds. */
export interface Cue {
  start: number;
  end: number;
  text: string;
  /** Who says it; null where that is not known. */
  speaker: string | null;
}

/** Cues as a WebVTT file, who speaks in voice tags (W3C, WebVTT, section 3). Text is text: markup in it is escaped. */
export function writeWebVtt(cues: readonly Cue[]): string {
  const blocks = cues.map(({ start, end, text, speaker }) => {
    const said = escaped(text);
    return `${clock(start)} --> ${clock(end)}\n${speaker === null ? said : `<v ${escaped(speaker)}>${said}</v>`}\n`;
  });
  return `WEBVTT\n\n${blocks.join('\n')}`;
}

/** On one line, as an empty one ends a cue; without what moves a cursor. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

/** 01:02:03.456 */
export function clock(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const part = (unit: number, of: number, width: number): string =>
    String(Math.floor(milliseconds / unit) % of).padStart(width, '0');
  return `${part(3_600_000, Infinity, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
