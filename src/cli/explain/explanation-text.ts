// The text of `postern explain`: a screen of 80 columns.
// Must not: show anything that the JSON does not have, or let a text of the line steer the terminal.

import { inOneLine } from '../../one-line.ts';
import { placedLimitText } from '../questions/placed-limit.ts';
import type { Dialled } from './caller.ts';
import { type Explanation, isEndedByOther, type Judged, type Placed } from './explanation.ts';

const COLUMNS = 80;
const INDENT = 10;

export function explanationText(given: Explanation): string {
  const told = inOneLine(given);
  const { verdict, reason, gateway, layer, at, caller, rule, nearest, look } = told;
  const rows: readonly (readonly [string, string])[] = [
    ['asked', told.asked],
    ...answerRows(told),
    ...(told.dialled === undefined ? [['caller', callerText(told)] as const] : dialledRows(told.dialled)),
    ...(caller.workload === undefined
      ? []
      : [['workload', `${caller.workload} (the peer's gateway says so; not verified here)`] as const]),
    ['meaning', told.meaning],
    ...told.notes.map((note) => ['note', note] as const),
    ...(rule === undefined ? [] : [['rule', placed(rule)] as const]),
    ...(nearest === undefined ? [] : [['nearest', placed(nearest)] as const]),
    ...(nearest === undefined ? [] : [['it needs', nearest.needs.join(' and ')] as const]),
    ...limitRows(told),
    ...(look === undefined || told.limits.some(({ name, isReached }) => isReached && name === look.name)
      ? []
      : [['look at', placed(look)] as const]),
    ...(told.cause === '' ? [] : [['usually', told.cause] as const]),
    ...(told.cure === '' ? [] : [['cure', told.cure] as const]),
    ...Object.entries(told.details)
      .filter(
        ([key]) => verdict !== 'allowed' && ['code_details', 'conn_term', 'tls_fail', 'upstream_fail'].includes(key),
      )
      .map(([key, text]) => ['Envoy', `${key}: ${text}`] as const),
    ...told.judged.flatMap((judged) => judgedRows(judged, told)),
    ...(told.judged.length === 0
      ? [['judged', 'not here: the line is of another mesh; ask its own Postern'] as const]
      : []),
  ];
  const head = `${verdict} (${reason}) by ${gateway}, layer ${layer}, at ${at}`;
  return `${[...wrapped(head, 0), ...rows.flatMap(([name, text]) => row(name, text))].join('\n')}\n`;
}

/** The status, and what joins the logs of both gateways. */
function answerRows({ layer, details }: Explanation): readonly (readonly [string, string])[] {
  const { code, grpc, request_id: id } = details;
  if (layer !== 'http' || code === undefined) return [];
  const status = `${code === '0' ? 'none' : code}${grpc === undefined ? '' : `, gRPC status ${grpc}`}`;
  return [['answer', `${status}${id === undefined ? '' : `, request_id ${id}`}`]];
}

function dialledRows({ address, identity }: Dialled): readonly (readonly [string, string])[] {
  return [
    ['dialled', address ?? '(no address)'],
    ['it is', identity === undefined ? 'nobody verified' : `${identity} (upstream_peer_uri, verified by TLS)`],
  ];
}

function callerText({ caller: { identity, isProven, client }, reason, layer }: Explanation): string {
  const from = client === undefined ? '' : `, from ${client}`;
  switch (isProven) {
    case 'verified':
      if (reason === 'CONNECTION_LIMIT' && layer === 'listener')
        return `${identity} (claimed_uri, verified by TLS; the limit comes after that)${from}`;
      return `${identity} (peer_uri, verified by TLS)${from}`;
    case 'claimed':
      // Nothing was refused here, and nothing was proven.
      if (reason === 'HANDSHAKE_UNFINISHED')
        return `${identity} (claimed_uri, claimed in a handshake that was not finished: proves nothing)${from}`;
      return `${identity} (claimed_uri, claimed by a certificate that was refused: proves nothing)${from}`;
    case 'none':
      return `nobody verified${from}`;
  }
}

function placed({ name, place }: Placed): string {
  return place === undefined ? name : `${name} (${place})`;
}

/** Of what is about a limit, or was admitted; elsewhere they decide nothing. */
function limitRows({ verdict, limits }: Explanation): readonly (readonly [string, string])[] {
  const reached = limits.filter(({ isReached }) => isReached);
  if (verdict !== 'allowed' && reached.length === 0) return [];
  const others = limits.filter(({ isReached }) => !isReached);
  return [
    ...reached.map((limit) => ['limit', placedLimitText(limit)] as const),
    ...others.map((limit) => [verdict === 'allowed' ? 'limited' : 'and also', placedLimitText(limit)] as const),
  ];
}

function judgedRows(
  { snapshot, verdict, reason, agrees, why }: Judged,
  line: Explanation,
): readonly (readonly [string, string])[] {
  const answer = verdict === 'yes' ? 'yes' : `no (${reason})`;
  const says = {
    same: `the resources say the same: ${answer}`,
    moment:
      verdict === 'no' && isEndedByOther(line)
        ? `no contradiction: the other end left before the gateway had judged it; by what it claimed, the resources say ${answer}`
        : verdict === 'no'
          ? `the limit comes first, and was a fact of that moment; without it, the resources say ${answer}`
          : 'the resources admit it; the reason was a fact of that moment, which only the line knows',
    unseen:
      verdict === 'no'
        ? `no contradiction: both refuse it. What decided (such as the certificate itself) is not in the line; by the rest alone, as it claims to be, the resources would say ${answer}`
        : `no contradiction: what decided (such as the certificate itself) is not in the line; by the rest alone, the resources would say ${answer}`,
    other: `THE RESOURCES SAY OTHERWISE: ${answer}. They changed, the line is not of this gateway, or Postern is wrong`,
    none: `not judged: ${why}`,
  }[agrees];
  return [...(snapshot === undefined ? [] : [['snapshot', snapshotText(snapshot)] as const]), ['judged', says]];
}

function snapshotText(snapshot: NonNullable<Judged['snapshot']>): string {
  const { version, publishedAt, acknowledged, isNewest, foundBy, alsoPossible, keptSince } = snapshot;
  const nodes = acknowledged.map(({ node, at }) => `${node} ${time(at)}`);
  const accepted =
    nodes.length === 0
      ? 'no ACK of it was seen'
      : `accepted by ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ' and others' : ''}`;
  const which = {
    version: `the line names it${isNewest ? '; it is still served' : '; it was replaced since'}`,
    time: `served at the time of the line${isNewest ? ', and still' : '; it was replaced since'}`,
    newest: 'the newest',
    none: `THE NEWEST, NOT THAT OF THE LINE: this process knows nothing older than ${time(keptSince)} that fits`,
  }[foundBy];
  const other =
    alsoPossible.length === 0 ? '' : '; the gateway may also have had another one then, which is judged as well';
  return `${version.slice(0, 12)} of ${time(publishedAt)}, ${accepted}; ${which}${other}`;
}

function time(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

function row(name: string, text: string): readonly string[] {
  const [first = '', ...others] = wrapped(text, INDENT + 2);
  return [`  ${name.padEnd(INDENT)}${first}`, ...others.map((line) => `${' '.repeat(INDENT + 2)}${line}`)];
}

/** At spaces; a word that is longer than a line is cut. */
function wrapped(text: string, indent: number): readonly string[] {
  const most = COLUMNS - indent;
  const lines: string[] = [];
  let line = '';
  for (const word of text.slice(0, 20 * COLUMNS).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > most; line = line.slice(most)) lines.push(line.slice(0, most));
  }
  return [...lines, line];
}
