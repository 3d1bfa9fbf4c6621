/** Whether a text is a data: URL, which holds a recording and is none's path. What is in it is a voice: never repeat it. */
export function isDataUrl(text: string): boolean {
  return /^\s*data:/i.test(text);
}

/** A text without the contents of data: URLs in it, for messages that quote what somebody gave. */
export function withoutDataUrls(text: string): string {
  return text.replace(/\bdata:[^\s,]{0,200},[^\s'"]*/gi, 'data:...');
}
