// The address of a listener or of the admin port; `::` means every address, of IPv4 too.
// Must not: choose an address that the configuration does not name.

import { isIPv6 } from 'node:net';
import type { Message } from '../draft.ts';

/** Envoy makes IPv6 sockets for IPv6 alone unless told otherwise; with `ipv4_compat`, `::` means every address. */
export function listeningAddress(address: string, port: number): Message<'envoy.config.core.v3.Address'> {
  return { socket_address: { address, port_value: port, ...(isAnyIPv6(address) && { ipv4_compat: true }) } };
}

/** `::`, in any of its spellings. */
function isAnyIPv6(address: string): boolean {
  return isIPv6(address) && /^[0:]+$/.test(address);
}
