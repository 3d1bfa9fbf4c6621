const LONGEST = 80;

/**
 * What a client said, or a path, as the log and messages may hold it: one line of 80 characters at most, in which
 * nothing controls a terminal.
 */
export function excerpt(text: string, longest = LONGEST): string {
  const cut = text.length > longest ? `${text.slice(0, longest - 1)}\u2026` : text;
  return printable(cut);
}

/** Text that somebody else chose, for a terminal: what would move its cursor or turn text around is shown as \\u{...}. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
