import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What is between a node and PostgreSQL: it takes every connection, and passes nothing on while it is silent. */
export class Proxy {
  private silent = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private to: number,
  ) {
    server.on('connection', (client) => this.pass(client));
  }

  static async start(to: number): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, to);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are there stay open, and are never heard of again; new ones are taken. */
  hang(): void {
    this.silent = true;
    for (const socket of this.sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** For new connections. */
  resume(): void {
    this.silent = false;
  }

  /** To another server from now on; connections that are there end. */
  lead(to: number): void {
    this.to = to;
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private pass(client: Socket): void {
    this.keep(client);
    if (this.silent) return;
    const server = connect(this.to, '127.0.0.1');
    this.keep(server);
    client.pipe(server).pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
