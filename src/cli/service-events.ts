/** One server-sent event. */
export interface ServiceEvent {
  /** Empty where it has none. */
  id: string;
  event: string;
  data: unknown;
}

/** What an unfinished event may have; whoever sends more is no Timbre service. */
const LONGEST = 16 * 1024 * 1024;

/** The events of a stream of bytes, as the HTML standard has them; comments and unknown fields are passed over. */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServiceEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    if (text.length > LONGEST) throw new Error('an event does not end');
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
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
