import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6, type AddressInfo } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine reaches an IP address. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** The same of where a server listens; a socket in the file system is of this machine, and so is no server at all. */
export function listensOnLoopback(address: AddressInfo | string | null): boolean {
  return address === null || typeof address === 'string' || isLoopback(address.address);
}

/** The same of an address as people write it. A name that cannot be resolved is for whoever listens on it to refuse. */
export async function resolvesToLoopback(host: string): Promise<boolean> {
  if (isIP(host)) return isLoopback(host);
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.every(({ address }) => isLoopback(address));
}
