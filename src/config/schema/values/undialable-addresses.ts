// Recognizes IP addresses that cannot be dialled: unspecified, multicast, broadcast and link-local ones in every notation, and
// IPv4 in IPv6 notation, which other checks would not recognize as the same address.
// Must not: check host names, or resolve them.

import { isIP } from 'node:net';

/** Why an IP literal cannot be dialled, as the end of a sentence; undefined for one that can, and for a name. */
export function whyUndialable(host: string): string | undefined {
  const version = isIP(host);
  if (version === 4) return whyUndialable4(host.split('.').map(Number));
  if (version !== 6) return undefined;
  const groups = groupsOf(host);
  const leading = groups.slice(0, 5).every((group) => group === 0);
  if (groups.every((group) => group === 0)) return UNSPECIFIED;
  if (leading && groups[5] === 0xffff) return `it is an IPv4 address in IPv6 notation; write ${ipv4Of(groups)}`;
  const [first = 0] = groups;
  if ((first & 0xff00) === 0xff00) return MULTICAST;
  if ((first & 0xffc0) === 0xfe80) return 'it is link-local: it means something on one network interface only';
  // The IPv4-compatible form (RFC 4291, 2.5.5.1), which is not routed. ::1 is the loopback address.
  return leading && groups[5] === 0 && groups[6] !== 0
    ? 'it is an IPv4 address in a deprecated IPv6 notation'
    : undefined;
}

const UNSPECIFIED = 'it means every address of this machine: it can be listened on, not dialled';
const MULTICAST = 'it is a multicast address';

function whyUndialable4([first = 0, second = 0, ...rest]: readonly number[]): string | undefined {
  if (first === 0) return UNSPECIFIED;
  if (first >= 224 && first < 240) return MULTICAST;
  if (first >= 240)
    return [second, ...rest].every((byte) => byte === 255) ? 'it is the broadcast address' : 'it is reserved';
  return first === 169 && second === 254 ? 'it is link-local: it means something on one network only' : undefined;
}

/** The eight 16-bit groups of an IPv6 literal. */
function groupsOf(host: string): readonly number[] {
  const ending = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  const [, before = '', a, b, c, d] = ending ?? [];
  const word = (high = '', low = ''): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = ending === null ? host : `${before}${word(a, b)}:${word(c, d)}`;
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail ?? '')];
  return tail === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function ipv4Of(groups: readonly number[]): string {
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}
