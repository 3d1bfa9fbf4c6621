import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { TimbreError } from '../../errors/timbre-error.js';

/*
 * Addresses that are no public ones, after IANA's registries of special-purpose addresses (RFC 6890 and what updates it):
 * this machine, private and shared networks, links, documentation, benchmarks, multicast, and the ways in which IPv6 wraps
 * an IPv4 address.
 */
const RESERVED: readonly (readonly [network: string, bits: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
];

/** What is global of IPv6, and what of that is not public. */
const GLOBAL_IPV6 = ['2000::', 3] as const;
const RESERVED_IPV6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const reserved = new BlockList();
for (const [network, bits, family] of RESERVED) reserved.addSubnet(network, bits, family);
for (const [network, bits] of RESERVED_IPV6) reserved.addSubnet(network, bits, 'ipv6');
const global = new BlockList();
global.addSubnet(...GLOBAL_IPV6, 'ipv6');

/** Whether an address is one that everybody reaches alike. */
export function isPublic(address: string): boolean {
  if (isIPv6(address)) return global.check(address, 'ipv6') && !reserved.check(address, 'ipv6');
  return isIP(address) === 4 && !reserved.check(address, 'ipv4');
}

/** Errors: INVALID_ARGUMENT where one of a host's addresses is not public, or it has none. */
export function requirePublic(host: string, addresses: readonly string[]): void {
  if (addresses.length === 0) throw new TimbreError('INVALID_ARGUMENT', `${host} has no address`);
  if (addresses.every(isPublic)) return;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `${host} is an address of this machine or of a private network; only public ones are called ` +
      '(TIMBRE_WEBHOOKS=any allows others)',
  );
}

/** The addresses of the host of a URL, which may be one. Errors: INVALID_ARGUMENT where the name is not known. */
export async function addressesOf(hostname: string): Promise<readonly string[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host)) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new TimbreError('INVALID_ARGUMENT', `${host} cannot be resolved: ${code}`, { cause });
  }
}
