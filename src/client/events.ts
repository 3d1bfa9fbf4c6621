/** One server-sent event. */
export interface ServiceEvent {
  /** Empty where it has none. */
  id: string;
  event: string;
  data: unknown;
}

/** What an unfinished event or line may have; whoever sends more is no Timbre service. */
const LONGEST = 16 * 1024 * 1024;

/** The events of a stream of bytes, as the HTML standard has them; comments and unknown fields are passed over. */
export async function* readEvents(bytes: ReadableStream<Uint8Array>): AsyncGenerator<ServiceEvent> {
  for await (const block of parts(bytes, /\r?\n\r?\n/)) {
    const event = parse(block);
    if (event) yield event;
  }
}

/** The values of a stream of JSON lines. Errors: SyntaxError for a line that is no JSON. */
export async function* readLines(bytes: ReadableStream<Uint8Array>): AsyncGenerator {
  for await (const line of parts(bytes, /\r?\n/)) {
    if (line !== '') yield JSON.parse(line) as unknown;
  }
}

/** The text between separators; what stands behind the last one is left out where it is empty. */
async function* parts(bytes: ReadableStream<Uint8Array>, separator: RegExp): AsyncGenerator<string> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const found = text.split(separator);
      text = found.pop() ?? '';
      if (text.length > LONGEST) throw new Error('an event or a line does not end');
      yield* found;
      if (done) return;
    }
  } finally {
    // Whoever stops reading early ends the answer, too.
    await reader.cancel();
  }
}

/** Null for a block without data. Errors: SyntaxError for data that is no JSON. */
function parse(block: string): ServiceEvent | null {
  const fields: Record<string, string> = {};
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
    if (name === undefined) continue;
    fields[name] = name === 'data' && fields['data'] !== undefined ? `${fields['data']}\n${value}` : (value ?? '');
  }
  const { id = '', event = 'message', data } = fields;
  return data === undefined ? null : { id, event, data: JSON.parse(data) as unknown };
}
