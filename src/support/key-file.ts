/** The local key's file, in the data folder. */
export const LOCAL_KEY_FILE = 'local.key';

/** A key as one line that `curl -H @FILE` sends as it is. */
export function headerLine(key: string): string {
  return `Authorization: Bearer ${key}\n`;
}

/** The key in a file: the key itself, or a header line with it. */
export function keyIn(text: string): string {
  return text.trim().replace(/^(authorization:\s*bearer|x-api-key:)\s+/i, '');
}
