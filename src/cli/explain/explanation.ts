// What a line of the access log means: the reason, the rule that decided or came nearest, its line of the file, and the cure; and
// whether the resources of that time say the same.
// Must not: take a verdict of the line for one of the resources, or the other way round; both are named.

import type { ServedSnapshot } from '../../admin/resources-view.ts';
import type { Decision } from '../../decision/answer/decision.ts';
import { judge } from '../../decision/connection.ts';
import { Resources } from '../../decision/matching/resources.ts';
import { judgeTunnels } from '../../decision/tls/dialled-peer.ts';
import type { ReasonCode } from '../../envoy/reasons.ts';
import { PosternError } from '../../errors.ts';
import { importsOf, placeOf } from '../questions/rule-place.ts';
import type { Served } from '../questions/served.ts';
import { type Caller, callerOf, type Dialled, dialledOf } from './caller.ts';
import { adviceFor } from './line-advice.ts';
import { lineImports } from './line-imports.ts';
import { type LineLimit, limitCure, lineLimits } from './line-limits.ts';
import { notesOf } from './line-notes.ts';
import { lineQuestions } from './line-question.ts';
import type { LoggedVerdict, LogLine } from './log-line.ts';
import { type NearestNamed, nearestNamed } from './nearest-named.ts';
import { REASON_BASIS } from './reason-basis.ts';

export interface Explanation {
  /** ISO 8601. */
  readonly at: string;
  readonly gateway: string;
  readonly layer: LogLine['layer'];
  readonly verdict: LoggedVerdict;
  readonly reason: ReasonCode;
  readonly asked: string;
  readonly caller: Caller;
  /** Of a line of `layer: tunnel`, where our egress is the caller. */
  readonly dialled?: Dialled;
  readonly meaning: string;
  readonly cause: string;
  readonly cure: string;
  /** What else the line says. */
  readonly notes: readonly string[];
  /** What the line itself names as what decided, with its line of the file. */
  readonly rule?: Placed;
  readonly nearest?: Placed & { readonly needs: readonly string[] };
  /** On its way; which of them it reached. */
  readonly limits: readonly LineLimit[];
  /** The part of the configuration to look at. */
  readonly look?: Placed;
  /** Fields of the line with Envoy's own words. */
  readonly details: Readonly<Record<string, string>>;
  /** By each snapshot that the gateway may have had; empty for a gateway of another mesh. */
  readonly judged: readonly Judged[];
}

export interface Placed {
  readonly name: string;
  /** FILE:LINE */
  readonly place?: string;
}

export interface Judged {
  /** Absent for a file. */
  readonly snapshot?: ServedSnapshot;
  readonly verdict?: 'yes' | 'no';
  readonly reason?: string;
  /**
   * `same`: the resources say what the line says. `moment`: they admit it, or get to the limit of the line first; that is a fact of that moment. `unseen`: the line lacks
   * what decided. `other`: they say something else. `none`: the line says too little to ask, or the resources are others than its own.
   */
  readonly agrees: 'same' | 'moment' | 'unseen' | 'other' | 'none';
  /** Why there is no verdict. */
  readonly why?: string;
  readonly steps?: Decision['steps'];
}

const DETAILS = [
  'code',
  'grpc',
  'code_details',
  'flags',
  'conn_term',
  'tls_fail',
  'upstream_fail',
  'upstream',
  'sni',
  'request_id',
  'peer_request_id',
  'version',
];

/** `served`: the resources by which it may have been decided, the likeliest first; empty when the line is of another mesh. */
export function explain(line: LogLine, served: readonly Served[]): Explanation {
  const { reason, verdict, fields, mesh, role, layer } = line;
  const judgements = served.map((one) => ({ served: one, ...judgedBy(line, one) }));
  const [first] = judgements;
  const imports = first === undefined ? [] : importsAbout(line, first);
  const place = (name: string, source = name): Placed => {
    const at = first === undefined ? undefined : placeOf(source, first.served, imports);
    return { name, ...(at !== undefined && { place: at }) };
  };
  const nearest: NearestNamed | undefined =
    verdict === 'allowed' || first === undefined
      ? undefined
      : (first.decision?.nearest ?? nearestNamed(line, first.served));
  const limits = first === undefined ? [] : lineLimits(line, first.decisions, first.served);
  const { meaning, cause, cure } = { ...adviceFor(line), ...limitCure(limits), ...nearest };
  const look = limits.find(({ isReached }) => isReached)?.name ?? REASON_BASIS[reason].source(line);
  const { rule } = fields;
  const dialled = dialledOf(line);
  return {
    at: new Date(line.at).toISOString(),
    gateway: `${mesh}/${role}`,
    layer,
    verdict,
    reason,
    asked: askedOf(line),
    caller: callerOf(line),
    ...(dialled && { dialled }),
    meaning,
    cause,
    cure,
    notes: notesOf(line),
    ...(rule !== undefined && { rule: place(rule) }),
    ...(nearest !== undefined && { nearest: { ...place(nearest.rule, nearest.source), needs: nearest.needs } }),
    limits,
    ...(look !== undefined && look !== rule && look !== nearest?.rule && { look: place(look) }),
    details: Object.fromEntries(DETAILS.flatMap((key) => (fields[key] === undefined ? [] : [[key, fields[key]]]))),
    judged: judgements.map(({ judged }) => judged),
  };
}

/** Where the line fits several imports, those by which the resources come to what it says. */
function importsAbout(
  line: LogLine,
  { served, same }: Judgement & { readonly served: Served },
): Served['names']['imports'] {
  const found = lineImports(line, served);
  const judged = new Set(same.flatMap((decision) => importsOf(decision, served)));
  const both = found.filter((one) => judged.has(one));
  return both.length > 0 ? both : found.length > 0 ? found : served.names.imports;
}

function askedOf({ layer, role, fields }: LogLine): string {
  const { peer = '(no peer)', export: exported, import: imported, authority, method, path, sni } = fields;
  const service = exported ?? imported ?? authority ?? '(no name)';
  const who = role === 'ingress' ? (fields['peer'] === undefined ? 'somebody' : `peer ${peer}`) : 'a caller of our own';
  switch (layer) {
    case 'http':
      return `${who}: ${method ?? '(no method)'} ${service} ${path ?? ''}`.trimEnd();
    case 'tcp':
      return `${who}: a TCP connection to ${service}`;
    case 'listener':
      return `${role === 'ingress' ? who : 'a caller'}: a TLS connection with server name ${sni ?? '(not logged)'}`;
    case 'tunnel':
      return `our egress: a connection to peer ${peer}`;
  }
}

interface Judgement {
  readonly judged: Judged;
  readonly decision?: Decision;
  /** All that say what the line says: it may leave open what was asked. */
  readonly same: readonly Decision[];
  /** That, or several where the line leaves open whose limit it is about. */
  readonly decisions: readonly Decision[];
}

function judgedBy(line: LogLine, served: Served): Judgement {
  const about = served.snapshot === undefined ? {} : { snapshot: served.snapshot };
  const { basis } = REASON_BASIS[line.reason];
  const none = (why: string): Judgement => ({ judged: { ...about, agrees: 'none', why }, same: [], decisions: [] });
  // What is beyond the cut may be what decided.
  if (line.cut.length > 0) return none(`its ${line.cut.join(' and ')} is longer than what is judged`);
  try {
    const decisions = decisionsOf(line, served);
    const same = decisions.filter((one) => isSame(one, line));
    const [decision = decisions[0]] = same;
    if (decision === undefined) return none(unaskable(line));
    const { verdict, reason, steps } = decision;
    const agrees = isSame(decision, line)
      ? 'same'
      : basis === 'unseen' || (basis === 'rules' && isUnseen(line))
        ? 'unseen'
        : basis === 'moment' && (verdict === 'yes' || mayComeFirst(decision, line))
          ? 'moment'
          : 'other';
    const found = { decision, same, decisions: line.reason === 'CONNECTION_LIMIT' ? decisions : [decision] };
    // What changed since is no contradiction.
    if (agrees === 'other' && served.snapshot?.foundBy === 'none') {
      const why = `the resources of that time are not known any more; the newest say ${verdict === 'yes' ? 'yes' : `no (${reason})`}`;
      return { ...found, judged: { ...about, verdict, reason, agrees: 'none', why, steps } };
    }
    return { ...found, judged: { ...about, verdict, reason, agrees, steps } };
  } catch (error) {
    if (error instanceof PosternError && error.code === 'UNJUDGED') return none(error.message);
    throw error;
  }
}

function decisionsOf(line: LogLine, served: Served): readonly Decision[] {
  if (line.layer !== 'tunnel') return lineQuestions(line, served).map((question) => judge(served.resources, question));
  const { peer, upstream_peer_uri: proven } = line.fields;
  if (peer === undefined) return [];
  return judgeTunnels(new Resources(served.resources), { peer, uris: proven?.split(','), at: line.at });
}

/** The line of a connection to a peer has the names of its gateway when the handshake was done; before that, the peer may end it. */
function isUnseen({ layer, role, fields }: LogLine): boolean {
  const isDialled =
    layer === 'tunnel' || (layer === 'tcp' && role === 'egress' && fields['upstream_fail'] !== undefined);
  return isDialled && fields['upstream_peer_uri'] === undefined;
}

function isSame({ reason }: Decision, line: LogLine): boolean {
  return reason === line.reason;
}

/** The reason of the line may come before what the resources say. */
function mayComeFirst(decision: Decision, line: LogLine): boolean {
  return decision.reason === 'BODY_LIMIT' || isEndedByOther(line) || isLimitedBefore(decision, line);
}

/** Who leaves in the handshake may do that before it is refused. */
export function isEndedByOther({ layer, reason }: Pick<LogLine, 'layer' | 'reason'>): boolean {
  return layer === 'listener' && (reason === 'HANDSHAKE_UNFINISHED' || reason === 'PEER_REFUSED_US');
}

/** What counts before all else refuses also what would be refused after it. */
function isLimitedBefore({ limits }: Decision, { reason }: LogLine): boolean {
  return limits.some((limit) => limit.reason === reason);
}

function unaskable({ fields }: LogLine): string {
  if (fields['peer'] !== undefined)
    return `these resources have nothing for ${fields['peer']} that the line can be compared with`;
  return 'the line does not say enough about the connection';
}
