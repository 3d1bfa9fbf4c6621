import { connect, type Socket } from 'node:net';
import { until } from './support.js';

/** The beginning of a form with the boundary `x`: a recording whose bytes are to follow. */
export const FORM_START = '--x\r\ncontent-disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n';
export const FORM_END = '\r\n--x--\r\n';

/** A client that sends what it likes. */
export class RawClient {
  private received = '';
  private closed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () => (this.closed = true));
  }

  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    return new RawClient(socket);
  }

  /** Over a connection that is there. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  /** With the head of a form, unless the headers say otherwise. */
  static async post(
    { url, key }: { url: string; key?: string },
    path: string,
    headers: Record<string, string>,
  ): Promise<RawClient> {
    const client = await RawClient.connect(url);
    client.head('POST', path, {
      host: new URL(url).hostname,
      'content-type': 'multipart/form-data; boundary=x',
      ...(key ? { 'x-api-key': key } : {}),
      ...headers,
    });
    return client;
  }

  head(method: string, path: string, headers: Record<string, string>): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** What came so far. */
  get said(): string {
    return this.received;
  }

  /** The whole answer, which is JSON. */
  async answer(): Promise<string> {
    await until(() => /\r\n\r\n.*}$/s.test(this.received));
    return this.received;
  }

  /** Status and body of the answer. */
  async reply(): Promise<{ status: number; body: unknown }> {
    const text = await this.answer();
    return {
      status: Number(text.split(' ', 2)[1]),
      body: JSON.parse(
        text.slice(text.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''),
      ) as unknown,
    };
  }

  /** Until the other side has closed the connection. */
  async end(): Promise<void> {
    await until(() => this.closed);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
