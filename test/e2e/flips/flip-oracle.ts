// What a random configuration allows, what it serves, and what an open connection rests on: an oracle for the flip tests.
// Must not: share code with src/.

import { type Choice, type ExportChoice, type ImportChoice, type PeerChoice, rulesOf } from './flip-configs.ts';
import {
  type Asked,
  type AskedInward,
  type AskedOutward,
  BACKENDS,
  EVERYBODY,
  isTcp,
  labelOf,
  type Tls,
  type Who,
  type Workload,
} from './flip-values.ts';

/** What may come of it: where it arrives, by which way, and as whom. */
export function allowed(choice: Choice, asked: Asked): readonly string[] {
  return asked.at === 'ingress' ? allowedInward(choice, asked) : allowedOutward(choice, asked);
}

/** Whether it has to be answered: whatever it may be led to is there and can prove who it is. */
export function serves(choice: Choice, asked: Asked): boolean {
  if (allowed(choice, asked).length === 0) return false;
  if (asked.at === 'ingress') {
    const target = exportOf(choice, asked);
    return target?.backends.every((backend) => proves(choice, backend, target.tls)) === true;
  }
  const peer = peerOf(choice, importOf(choice, asked));
  const isAsked = (choice.callers === 'mtls') === (asked.client !== undefined);
  return isAsked && peer?.gateways.every((who) => trusted(peer).includes(who)) === true;
}

function allowedInward(choice: Choice, asked: AskedInward): readonly string[] {
  const peer = peerAt(choice, asked.who, asked.label);
  const target = exportOf(choice, asked);
  if (peer === undefined || target === undefined) return [];
  const { method = '', path = '' } = asked.request ?? {};
  const isAllowed = rulesOf(target).some(
    (rule) => rule.peer === peer.name && rule.method === method && rule.path === path && !rule.isExpired,
  );
  if (!isAllowed) return [];
  return target.backends
    .filter((backend) => proves(choice, backend, target.tls))
    .map((backend) => `backend ${backend} over ${wayOf(target.tls)}${isTcp(asked) ? '' : ` as ${peer.name}`}`);
}

/** How a backend that is reached by this sees it. */
function wayOf(tls: Tls | undefined): string {
  if (tls === undefined) return 'plain';
  return tls.mode === 'mtls' ? 'mtls' : `simple ${tls.serverName}`;
}

function allowedOutward(choice: Choice, asked: AskedOutward): readonly string[] {
  const found = importOf(choice, asked);
  const peer = peerOf(choice, found);
  if (found === undefined || peer === undefined || !admits(choice, found, asked.client)) return [];
  const server = `${peer.sni ?? 'ours.example'}.peers.${peer.domain}`;
  const seen = isTcp(asked)
    ? `tcp ${found.name}.tcp.${server}`
    : `${found.name}.exports.${peer.domain} ${server} for ${asked.client?.path ?? 'nobody'}`;
  return trusted(peer).map((who) => `${labelOf(who)} ${seen}`);
}

/** As whom a choice takes this connection. */
export function peerAt({ peers }: Choice, who: Who, label: string): PeerChoice | undefined {
  return peers.find(
    (peer) =>
      peer.domain === who.domain &&
      peer.roots.includes(who.root) &&
      peer.identities.includes(who.identity) &&
      label === (peer.sni ?? peer.domain),
  );
}

function exportOf({ exports }: Choice, asked: AskedInward): ExportChoice | undefined {
  return exports.find(({ name, protocol }) => name === asked.exported && (protocol === 'tcp') === isTcp(asked));
}

export function importOf({ imports }: Choice, asked: AskedOutward): ImportChoice | undefined {
  return imports.find(
    ({ port, as, protocol }) =>
      port === asked.port && (protocol === 'tcp') === isTcp(asked) && (protocol === 'tcp' || as === asked.name),
  );
}

function peerOf({ peers }: Choice, imported: ImportChoice | undefined): PeerChoice | undefined {
  return peers.find(({ name }) => name === imported?.peer);
}

/** Whoever reaches a plaintext port may call; a certificate proves nothing there, and takes nothing away. */
function admits({ callers, ownRoots }: Choice, { clients }: ImportChoice, client: Workload | undefined): boolean {
  if (callers === 'plaintext') return true;
  return client !== undefined && ownRoots.includes(client.root) && clientOf(clients, client.path) !== undefined;
}

/** The narrowest of the clients that it is. */
function clientOf(clients: readonly string[], path: string): string | undefined {
  const wider = clients.filter((one) => one.endsWith('/*') && path.startsWith(one.slice(0, -1)));
  return clients.includes(path) ? path : wider[0];
}

/** Whether the backend is what the export says, for a choice that trusts these CAs. */
function proves({ ownRoots }: Choice, backend: number, tls: Tls | undefined): boolean {
  const proof = BACKENDS[backend];
  if (tls === undefined || proof === undefined) return tls === undefined;
  return tls.mode === 'mtls'
    ? proof.identity === tls.identity && ownRoots.includes(proof.root)
    : proof.serverName === tls.serverName && proof.root === tls.ca;
}

/** Whom a choice takes for this peer; at which address they listen proves nothing. */
function trusted({ domain, roots, identities }: PeerChoice): readonly Who[] {
  return EVERYBODY.filter(
    (who) => who.domain === domain && roots.includes(who.root) && identities.includes(who.identity),
  );
}

/** What an open connection of TCP rests on: while all of it stays, and no root of the peer goes, the connection lives. */
export interface Ground {
  readonly key: string;
  readonly roots: readonly number[];
}

export function groundOf(choice: Choice, asked: Asked): Ground {
  const { callers, ownRoots, ingress } = choice;
  if (asked.at === 'ingress') {
    const [peer, target] = [peerAt(choice, asked.who, asked.label), exportOf(choice, asked)];
    const backend = target && [target.backends, target.tls, target.tls?.mode === 'mtls' && ownRoots];
    return groundOn(peer, [ingress, backend, allowed(choice, asked)]);
  }
  const found = importOf(choice, asked);
  const peer = peerOf(choice, found);
  const client = callers === 'mtls' && [ownRoots, clientOf(found?.clients ?? [], asked.client?.path ?? '')];
  return groundOn(peer, [callers, client, found?.name, found?.as, peer?.gateways]);
}

function groundOn(peer: PeerChoice | undefined, rest: readonly unknown[]): Ground {
  return { key: JSON.stringify([peer && authenticationOf(peer), rest]), roots: peer?.roots ?? [] };
}

/** By what connections with a peer are authenticated, but for the roots that are not its oldest. */
export function authenticationOf({ name, domain, roots, identities, sni }: PeerChoice): readonly unknown[] {
  return [name, domain, Math.min(...roots), identities, sni];
}
