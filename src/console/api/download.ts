/** Gives the reader a file that was made here. */
export function download(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it by the next turn; what is not revoked stays in memory as long as the page.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Gives the reader an answer of the service as a file of JSON. */
export function downloadJson(name: string, answer: unknown): void {
  download(name, new Blob([JSON.stringify(answer, null, 2)], { type: 'application/json' }));
}
