// The text of `postern plan`: one line for each thing that changes, in at most 80 columns where the names allow it.
// Must not: leave out anything that widens.

import type { Span } from '../../decision/matching/alternatives.ts';
import type { EndingConnections } from '../../decision/plan/resource-changes.ts';
import { overlaps, type Reach } from '../../decision/reach-set.ts';
import { oneLine } from '../../one-line.ts';
import type { Served } from '../questions/served.ts';
import type { Doubt, PlanAnswer, PlanReport } from './plan-report.ts';

const COLUMNS = 80;

const VERDICTS: Readonly<Record<PlanReport['verdict'], string>> = {
  wider: 'Something widens: it needs a review.',
  narrower: 'Nothing widens; something is taken away.',
  same: 'Nobody reaches more or less.',
};

export function planText({ report, before, after, served, wasServed }: PlanAnswer): string {
  const { gained, lost, mayBeLost, connections, resources, notCompared, notKnown, notJudged, verdict } = report;
  const identities = report.bounds.filter(({ kind }) => kind === 'identity');
  const bounds = report.bounds.filter((bound) => !identities.includes(bound));
  const reach = [
    ...gained.map(
      (one) =>
        `+ ${reachText(one, served)}${elsewhereText(one, before, 'leads')}${partText(one, before, 'more than before')}`,
    ),
    ...lostTexts(lost, after, wasServed).map((text) => `- ${text}`),
  ];
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['Reach', reach],
    ['Trust, addresses, limits', boundTexts(bounds)],
    ['Limits of what is new', newLimitTexts(report.newLimits)],
    ['Who we are', identities.map(({ of, from, to }) => `~ ${of}: ${from ?? 'none'} -> ${to ?? 'none'}`)],
    ['May be lost: the peers decide', mayBeLost.map(doubtText)],
    ['Connections', connections.map((one) => `~ ${connectionsText(one)}`)],
    ['Resources', resources.map(({ gateway, change, type, name }) => `${SIGNS[change]} ${gateway} ${type} ${name}`)],
    ['Not judged: a form that this version does not know', notJudged.map((one) => `? ${one}`)],
    ['Not compared, because files are not here', [...notCompared, ...notKnown].map((one) => `? ${one}`)],
  ];
  const lines = sections
    .filter(([, texts]) => texts.length > 0)
    .flatMap(([title, texts]) => [title, ...[...new Set(texts)].flatMap((text) => folded(oneLine(text))), '']);
  const isInDoubt = verdict === 'same' && mayBeLost.length > 0;
  return [...lines, isInDoubt ? IN_DOUBT : VERDICTS[verdict], ''].join('\n');
}

const IN_DOUBT = 'Nobody is allowed more or less; whether the peers accept us is theirs to say.';

function doubtText({ of, peers, why, isCertain }: Doubt): string {
  const who = peers.length === 0 ? 'the peers' : peers.join(', ');
  return isCertain ? `- all calls to and from ${who}: ${why}` : `? ${of}: ${who} ${why}`;
}

const SIGNS = { added: '+', changed: '~', removed: '-' } as const;

/** What a peer loses as a whole is one line. */
function lostTexts(lost: readonly Reach[], after: readonly Reach[], served: Served): readonly string[] {
  const subject = ({ gateway, peer, service, port, host }: Reach): string =>
    JSON.stringify([gateway, peer, service, port, gateway === 'egress' ? host : undefined]);
  const kept = new Set(after.map(subject));
  return lost.map((one) => {
    const elsewhere = elsewhereText(one, after, 'led');
    if (kept.has(subject(one)))
      return `${reachText(one, served)}${elsewhere}${partText(one, after, `less than before${leftText(one, after, served)}`)}`;
    return one.gateway === 'ingress'
      ? `${one.peer} loses ${one.service}`
      : `our workloads lose ${targetText(one, served)}${elsewhere}`;
  });
}

/** By which callers the same is still reached, where it was open to more of them. */
function leftText(one: Reach, after: readonly Reach[], served: Served): string {
  const same = after.filter((other) => overlaps(one, other) && askedOf(other) === askedOf(one));
  const left = new Set(same.map((other) => callerText(other, served)));
  left.delete(callerText(one, served));
  return left.size === 0 ? '' : `; left: ${[...left].sort().join(', ')}`;
}

function askedOf({ method, path, upgrade }: Reach): string {
  return JSON.stringify([method, path, upgrade]);
}

function callerText({ gateway, peer, workload }: Reach, served: Served): string {
  const who = workloadText(workload, gateway === 'ingress' ? domainOf(peer, served) : served.trustDomain);
  return gateway === 'egress' ? (who ?? 'anyone') : who === undefined ? peer : `${peer}:${who}`;
}

/** In the words that `postern can` takes. */
function reachText(one: Reach, served: Served): string {
  const { gateway, method, path, upgrade, protocol, service, host } = one;
  const caller = callerText(one, served);
  const target = gateway === 'egress' ? targetText(one, served) : service;
  if (protocol === 'tcp') return `${caller} ${target} (TCP)`;
  const as = gateway === 'ingress' && host?.startsWith(`${service}.`) !== true ? ` as ${host}` : '';
  return `${caller} ${method ?? 'any'} ${target} ${spanText(path)}${as}${upgrade === undefined ? '' : ` (${upgrade})`}`;
}

/** An import by the local name of the file, not by each of its spellings. */
function targetText({ peer, service, port, host }: Reach, { names }: Served): string {
  const found = names.imports.find(
    (one) =>
      one.peer === peer &&
      one.name === service &&
      one.port === port &&
      (host === undefined || one.as === host || one.as.startsWith(`${host}.`)),
  );
  return `${found?.as ?? host ?? service}:${port}`;
}

/** A local name that leads to one export before, and to another one afterwards. */
function elsewhereText({ gateway, peer, service, port, host }: Reach, others: readonly Reach[], verb: string): string {
  if (gateway === 'ingress') return '';
  const same = others.filter((other) => other.gateway === gateway && other.port === port && other.host === host);
  const isElsewhere = same.some((other) => other.peer !== peer || other.service !== service);
  return isElsewhere ? ` (${verb} to ${service} of ${peer})` : '';
}

function domainOf(peer: string, { names }: Served): string | undefined {
  return names.peers.find(({ name }) => name === peer)?.trustDomain;
}

function workloadText(span: Span | undefined, domain: string | undefined): string | undefined {
  if (span === undefined) return undefined;
  const own = `spiffe://${domain}/`;
  const text = spanText(span);
  return text.startsWith(own) && text !== `${own}*` ? text.slice(own.length) : text;
}

function spanText(span: Span | undefined): string {
  if (span === undefined) return 'any';
  return 'exact' in span ? span.exact : `${span.prefix}*`;
}

/** A part of what the line says is the same before and afterwards. */
function partText(one: Reach, others: readonly Reach[], words: string): string {
  return others.some((other) => overlaps(one, other)) ? ` (${words})` : '';
}

function newLimitTexts(limits: PlanReport['newLimits']): readonly string[] {
  const lines = new Map<string, string[]>();
  for (const { gateway, of, kind, value } of limits) {
    const start = `= ${gateway} ${of}:`;
    lines.set(start, [...(lines.get(start) ?? []), `${kind} ${value}`]);
  }
  return [...lines].map(([start, values]) => `${start} ${values.join(', ')}`);
}

/** Several values of one kind are in one line. */
function boundTexts(bounds: PlanReport['bounds']): readonly string[] {
  const lines = new Map<string, string[]>();
  for (const bound of bounds) {
    const { of, kind, isWider, from, to } = bound;
    const at = 'gateway' in bound ? `${bound.gateway} ` : '';
    const start = `${isWider ? '+' : '-'} ${at}${of}: ${kind}`;
    const value = isWider ? to : from;
    const isSet = 'gateway' in bound && typeof value === 'string' && (from === undefined || to === undefined);
    const none = kind === 'expires' ? 'never' : 'no limit';
    const said = isSet ? `${value}` : `${from ?? none} -> ${to ?? none}`;
    lines.set(start, [...(lines.get(start) ?? []), said]);
  }
  return [...lines].map(([start, values]) => `${start} ${values.join(', ')}`);
}

function connectionsText({ gateway, of, protocol, how, why }: EndingConnections): string {
  const kind = { http: 'HTTP ', tcp: 'TCP ', any: '' }[protocol];
  const end = how === 'closed' ? 'will end' : 'will drain';
  return `open ${kind}connections of ${of} will end at ${gateway}: ${why}`.replace('will end', end);
}

/** Breaks at spaces. */
function folded(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= COLUMNS || line.trim() === '') line = longer;
    else {
      lines.push(line);
      line = `    ${word}`;
    }
  }
  return [...lines, line];
}
