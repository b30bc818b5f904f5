// A line of a gateway's access log as an operator has it: with what kubectl, Docker or journald put around it.
// Must not: trust a field; a peer chooses paths, names and what its certificate claims.

import { REASONS, type ReasonCode } from '../../envoy/reasons.ts';
import { PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { oneLine } from '../../one-line.ts';

export type LoggedVerdict = (typeof REASONS)[ReasonCode]['verdict'];

const LAYERS = ['listener', 'http', 'tunnel', 'tcp'] as const;

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly mesh: string;
  readonly role: GatewayRole;
  readonly layer: (typeof LAYERS)[number];
  readonly verdict: LoggedVerdict;
  readonly reason: ReasonCode;
  /** The other fields, as texts of at most 2048 characters. */
  readonly fields: Readonly<Record<string, string>>;
  /** The fields that were longer. */
  readonly cut: readonly string[];
}

/** A request has up to 48 KiB of headers; of a byte of its path, Envoy makes three, and JSON up to six of others. */
const MAX_LINE = 512 * 1024;
const MAX_VALUE = 2048;
/** Each is judged by the resources of its own time. */
const MOST_LINES = 50;
/** Where the line may begin: a prefix may have brackets of its own. */
const MOST_BEGINNINGS = 16;
/** The fields in which log collectors keep a line. */
const WRAPPERS = ['log', 'MESSAGE', 'message', 'msg'];

/** Why a line cannot be explained, and what to do, for one that was given and for one of a log file. */
class Refused extends Error {
  readonly hint: string;
  readonly inLog: string;
  constructor(why: string, hint: string, inLog = hint) {
    super(why);
    this.hint = hint;
    this.inLog = inLog;
  }
}

/** `place`: FILE:LINE of a log. Errors: LOG_LINE. */
export function parseLogLine(text: string, place?: string): LogLine {
  try {
    return parsed(text);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { message, hint, inLog } = error;
    const [what, next] = place === undefined ? ['the line', hint] : [place, inLog];
    throw new PosternError('LOG_LINE', oneLine(`${what} cannot be explained: ${message.slice(0, 200)}; ${next}`));
  }
}

function parsed(text: string): LogLine {
  const trimmed = text.trim();
  if (trimmed === '') throw new Refused('there is no line', 'give one line of a gateway, or - and the line on stdin');
  if (trimmed.length > MAX_LINE)
    throw new Refused(
      `it has more than ${MAX_LINE} characters`,
      'give one line, not a whole log',
      'no gateway writes such a line: look whether the log has line ends',
    );
  const found = objectIn(trimmed, 2);
  if (found === undefined && trimmed.includes('"gateway"') && trimmed.includes('"layer"'))
    throw new Refused(
      'its JSON is cut or damaged',
      'give the whole line, in single quotes or on stdin',
      'a collector or a rotation has cut it: look for the whole line in the log of the gateway itself',
    );
  if (found === undefined)
    throw new Refused('it holds no JSON of a gateway', 'the lines of gateways have "gateway" and "layer"');
  return lineOf(found);
}

/**
 * One line, or several in their order; among them, lines of other programs count for nothing. One object may be spread over rows.
 * Errors: USAGE, LOG_LINE.
 */
export function parseLogLines(text: string): readonly LogLine[] {
  const rows = text.split('\n').map((row, at) => ({ row, at: at + 1 }));
  const asked = rows.filter(({ row }) => row.trim() !== '');
  if (asked.length <= 1) return [parseLogLine(text)];
  const lines: LogLine[] = [];
  let damage: PosternError | undefined;
  for (const { row, at } of asked)
    try {
      lines.push(parseLogLine(row));
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      if (row.includes('gateway') && row.includes('layer'))
        damage ??= new PosternError('LOG_LINE', `line ${at}: ${error.message}`);
    }
  if (lines.length > MOST_LINES)
    throw new PosternError(
      'USAGE',
      `${lines.length} lines were given, and at most ${MOST_LINES} are explained at once`,
    );
  if (lines.length > 0 && damage !== undefined) throw damage;
  return lines.length > 0 ? lines : [parseLogLine(text)];
}

function objectIn(text: string, deepest: number): Readonly<Record<string, unknown>> | undefined {
  let from = -1;
  for (let tried = 0; tried < MOST_BEGINNINGS; tried += 1) {
    from = text.indexOf('{', from + 1);
    if (from < 0) return undefined;
    const value = objectOf(text.slice(from, text.lastIndexOf('}') + 1));
    if (value === undefined) continue;
    if ('gateway' in value && 'layer' in value) return value;
    for (const key of WRAPPERS) {
      const inner = value[key];
      const found = typeof inner === 'string' && deepest > 1 ? objectIn(inner, deepest - 1) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function objectOf(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function lineOf(found: Readonly<Record<string, unknown>>): LogLine {
  const fields = Object.fromEntries(
    Object.entries(found).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key, String(value).slice(0, MAX_VALUE)]] : [],
    ),
  );
  const cut = Object.entries(found).flatMap(([key, value]) => (isLong(value) ? [key] : []));
  const { ts = '', gateway = '', layer: text, reason, verdict, ...others } = fields;
  const [, mesh, role] = /^([a-z0-9-]{1,63})\/(ingress|egress)$/.exec(gateway) ?? [];
  const layer = LAYERS.find((one) => one === text);
  if (mesh === undefined || layer === undefined)
    throw new Refused(`no gateway of Postern writes ${gateway} and ${text}`, 'give a line of a gateway');
  if (reason === undefined)
    throw new Refused('it has no reason', 'it comes from an older version; update, and ask about a newer line');
  if (!Object.hasOwn(REASONS, reason))
    throw new Refused(`it has the reason ${reason}`, 'it comes from a newer version; use that one');
  const at = Date.parse(ts);
  if (Number.isNaN(at)) throw new Refused('it has no time', 'give the whole line');
  const code = reason as ReasonCode;
  const told = (['allowed', 'refused', 'failed'] as const).find((one) => one === verdict) ?? REASONS[code].verdict;
  return { at, mesh, role: role as GatewayRole, layer, verdict: told, reason: code, fields: others, cut };
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > MAX_VALUE;
}
