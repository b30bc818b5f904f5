// Which filter chain of a listener takes a connection, by what its client says before anything is encrypted.
// Must not: choose among chains that fit alike.

import type { Message } from '../../envoy/draft.ts';
import type { Question } from '../answer/question.ts';
import { lowerCase } from '../matching/text-match.ts';
import { only, unjudged } from '../matching/unjudged.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;

/** As Envoy looks: by server name, then by the transport, then by ALPN; what has no such condition only when nothing else fits. */
export function matchingChain(chains: readonly FilterChain[], { hello }: Question): FilterChain | undefined {
  for (const { filter_chain_match: match = {} } of chains)
    only(match, 'a filter chain match', 'server_names', 'transport_protocol', 'application_protocols');
  const serverName = lowerCase(hello?.serverName ?? '');
  const byName = narrowed(
    chains,
    (chain) => chain.filter_chain_match?.server_names,
    (name) => exactName(name) === serverName,
  );
  const transport = hello === undefined ? 'raw_buffer' : 'tls';
  const byTransport = narrowed(
    byName,
    ({ filter_chain_match: match }) => match?.transport_protocol && [match.transport_protocol],
    (protocol) => protocol === transport,
  );
  const [chain, ...others] = narrowed(
    byTransport,
    (one) => one.filter_chain_match?.application_protocols,
    (protocol) => hello?.alpn.includes(protocol) ?? false,
  );
  if (others.length > 0) throw unjudged('more than one filter chain for one connection');
  return chain;
}

function exactName(name: string): string {
  if (name.includes('*')) throw unjudged(`the server name ${name}`);
  return name;
}

function narrowed(
  chains: readonly FilterChain[],
  conditions: (chain: FilterChain) => readonly string[] | undefined | '',
  fits: (condition: string) => boolean,
): readonly FilterChain[] {
  const isOpen = (chain: FilterChain): boolean => (conditions(chain) || []).length === 0;
  const fitting = chains.filter((chain) => (conditions(chain) || []).some(fits));
  return fitting.length > 0 ? fitting : chains.filter(isOpen);
}
