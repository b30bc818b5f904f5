// Findings about plaintext at egress: every client that reaches the address may call what is imported there.
// Must not: say anything about a gateway whose callers prove who they are.

import { BlockList, isIPv6 } from 'node:net';
import { errorAt, type Finding, warningAt } from '../errors.ts';
import type { ConfigOutline } from './outline.ts';

const AT = ['gateways', 'egress', 'address'];

/** What nobody routes between organisations: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 (2.5.6). */
const PRIVATE = subnets(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16']);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

const LOOPBACK = subnets(['127.0.0.0/8']);
LOOPBACK.addAddress('::1', 'ipv6');

/** An address that other machines reach: the file must say that this is meant. A public one is always an error without `clients: mtls`. */
export function openEgress({ gateways: { egress } }: ConfigOutline): readonly Finding[] {
  if (egress == null || egress.address === null || egress.clients === null || egress.clients === 'mtls') return [];
  const { address, clients } = egress;
  const isIn = (list: BlockList): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  if (isIn(LOOPBACK)) return [];
  const message = `the egress gateway takes plaintext at ${address}, from every client that reaches it`;
  if (!isIn(PRIVATE)) {
    const hint = 'write clients: mtls, or bind a loopback or private address; 0.0.0.0 and :: are every address';
    return [errorAt('EGRESS_EXPOSED', AT, message, hint)];
  }
  if (clients !== undefined) return [];
  const hint = 'write clients: mtls, bind a loopback address, or write clients: plaintext to say that this is meant';
  return [warningAt('EGRESS_OPEN', AT, message, hint)];
}

function subnets(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    list.addSubnet(address, Number(length), 'ipv4');
  }
  return list;
}
