// What else a line says that its reason does not: how an admitted connection ended, and that an answer is the peer's own refusal.
// Must not: be sure where the line leaves several causes open.

import { REASONS, type ReasonCode } from '../../envoy/reasons.ts';
import { oneOf, possibleReasons } from '../peer-check/own-answers.ts';
import type { LogLine } from './log-line.ts';

/** Envoy's words for why it ended a connection by itself, in `close`. */
const ENDS: Readonly<Record<string, ReasonCode>> = {
  tcp_session_idle_timeout: 'IDLE',
  max_connection_duration_reached: 'AGE',
  // The trust, or the grant, lies in the filter chain, and that of TCP in its gate as well.
  filter_chain_is_being_removed: 'ENDED_BY_GATEWAY',
  Active_Internal_Listener_destructor: 'ENDED_BY_GATEWAY',
};

export function notesOf(line: LogLine): readonly string[] {
  const { layer, fields } = line;
  const { close = '' } = fields;
  const isConnection = layer === 'tcp' || layer === 'listener';
  const end = isConnection && Object.hasOwn(ENDS, close) ? ENDS[close] : undefined;
  return [...(end === undefined ? [] : [endNote(end)]), ...peersAnswer(line)];
}

function endNote(end: ReasonCode): string {
  const { meaning, cause, cure } = REASONS[end];
  return [`it ended with ${end}:`, meaning, cause, cure].filter((text) => text !== '').join(' ');
}

/** The status of a gRPC call that did not succeed: its answer has the status 200 of HTTP. */
export function grpcFailure({ layer, fields: { grpc, code } }: LogLine): string | undefined {
  return layer === 'http' && code === '200' && grpc !== undefined && grpc !== 'OK' ? grpc : undefined;
}

function peersAnswer(line: LogLine): readonly string[] {
  const { layer, role, reason, fields } = line;
  const { code, request_id: id } = fields;
  const grpc = grpcFailure(line);
  if (layer !== 'http' || role !== 'egress' || reason !== 'ALLOWED') return [];
  if (grpc === undefined && !(Number(code) >= 400)) return [];
  const possible = possibleReasons(Number(code), grpc);
  const answer = grpc === undefined ? `the answer was ${code}` : `the answer was the gRPC status ${grpc}`;
  const isTcp = possible.includes('NO_GRANT')
    ? ' (NO_GRANT also where it exports the service as TCP and not as HTTP: `postern check peer NAME -f FILE` says so)'
    : '';
  const why =
    possible.length === 0
      ? ''
      : ` If its gateway answered, that log has ${oneOf(possible)}${isTcp}; if its service did, ALLOWED.`;
  return [
    `${answer}; it came from the peer’s side (its gateway or its service): give its team ${id === undefined ? 'the time of the line' : `request_id ${id}, which its log has as peer_request_id`}.${why}`,
  ];
}
