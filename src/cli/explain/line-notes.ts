// What else a line says that its reason does not: how an admitted connection ended, and that an answer is the peer's own refusal.
// Must not: be sure where the line leaves several causes open.

import { REASONS, type ReasonCode } from '../../envoy/reasons.ts';
import { oneOf, possibleReasons } from '../peer-check/request.ts';
import type { LogLine } from './log-line.ts';

/** Envoy's words for why it ended a TCP connection by itself, in `close`. */
const ENDS: Readonly<Record<string, ReasonCode>> = {
  tcp_session_idle_timeout: 'IDLE',
  max_connection_duration_reached: 'AGE',
};

export function notesOf({ layer, role, reason, fields }: LogLine): readonly string[] {
  const { close = '', code } = fields;
  const end = layer === 'tcp' && Object.hasOwn(ENDS, close) ? ENDS[close] : undefined;
  const isPeersAnswer = layer === 'http' && role === 'egress' && reason === 'ALLOWED' && Number(code) >= 400;
  return [
    ...(end === undefined ? [] : [`it ended with ${end}: ${REASONS[end].meaning} ${REASONS[end].cure}`]),
    ...(isPeersAnswer ? [peersAnswer(fields)] : []),
  ];
}

function peersAnswer({ code, request_id: id }: LogLine['fields']): string {
  const possible = possibleReasons(Number(code));
  const why =
    code === '403'
      ? ' Its gateway has no grant for this request, or exports the service as TCP and not as HTTP; or its service refused. Only its own log says which; postern check peer says whether it is the protocol.'
      : possible.length === 0
        ? ''
        : ` If its gateway answered, that log has ${oneOf(possible)}; if its service did, ALLOWED.`;
  return `the answer was ${code}; it came from the peer’s side (its gateway or its service): give its team ${id === undefined ? 'the time of the line' : `request_id ${id}, which its log has as peer_request_id`}.${why}`;
}
