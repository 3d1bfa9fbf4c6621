const LONGEST = 80;

// Control characters, line and paragraph separators, halves of surrogate pairs, and what turns text around.
const MOVES_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** What a client said, or a path, for the log and for messages: one line of 80 characters at most. */
export function excerpt(text: string): string {
  return printable(text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
}

/**
 * Text that somebody else chose, for a terminal: what would move its cursor, change its colours or turn text around is
 * shown as `\\u{...}`. `breaks`: whether lines and tabs are the program's own, and stay.
 */
export function printable(text: string, { breaks = false } = {}): string {
  return text.replace(MOVES_TEXT, (character) => {
    if (breaks && (character === '\n' || character === '\t')) return character;
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

/** JSON in which strings hold no such character, as JSON's own escapes. */
export function printableJson(json: string): string {
  return json.replace(MOVES_TEXT, (character) => {
    if (character === '\n') return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A message with no more than 80 characters of anything that is quoted in it, or that has no space in it. */
export function withExcerpts(message: string): string {
  return message
    .replace(/(["'])((?:(?!\1)[^\\]|\\.){80})(?:(?!\1)[^\\]|\\.)+\1/gs, '$1$2…$1')
    .replace(/(\S{80})\S+/g, '$1…');
}
