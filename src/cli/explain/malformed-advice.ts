// What Envoy's own words in `code_details` say is wrong with a malformed request.
// Must not: guess at words that are not known here.

import type { Advice } from '../../envoy/reasons.ts';
import type { LogLine } from './log-line.ts';

/** Of Envoy 1.40: its response_code_details. */
const FAULTS: Readonly<Record<string, readonly [cause: string, cure: string]>> = {
  path_normalization_failed: [
    'The path has an escaped slash (`%2f`, `%5c`), a null (`%00`) or a fragment (`#`).',
    'Send the path without it; where an id has a slash, have it in the query or encoded in another way.',
  ],
  absolute_path_rejected: [
    'The path does not begin with a slash, such as that of `OPTIONS *`.',
    'Send a path that begins with a slash.',
  ],
  missing_host_header: ['The request has no host (`host`, `:authority`).', 'Send the name of the service as the host.'],
  missing_path_rejected: ['The request has no path.', 'Send a path.'],
  low_version: ['The request is HTTP/1.0 or older.', 'Use HTTP/1.1 or HTTP/2.'],
  'http1.codec_error': ['It is not HTTP/1.1.', 'Look at what the client sends: it may speak another protocol.'],
  'http1.invalid_url': ['The path has characters that have to be percent-encoded.', 'Encode them.'],
  'http1.invalid_characters': ['A header has a control character.', 'Send the header without it.'],
  'http1.content_length_and_chunked_not_allowed': [
    'It has both `content-length` and `transfer-encoding`, so that two readers may see two requests.',
    'Send one of them.',
  ],
  'http1.invalid_transfer_encoding': [
    'It has a `transfer-encoding` other than chunked.',
    'Send the body chunked, or with its length.',
  ],
  'http2.invalid.header.field': [
    'A header or the path has a character that HTTP/2 does not allow, such as a control character or a capital in a name.',
    'Send it without that character.',
  ],
  'http2.violation.of.messaging.rule': [
    'It breaks a rule of HTTP/2 for requests: a body of another length than it says, a header of HTTP/1 such as `transfer-encoding`, or a pseudo header that is missing, given twice or not allowed.',
    'Correct the client.',
  ],
};

/** Of a line whose request was malformed; nothing where its details are not known. */
export function malformedAdvice({ reason, fields }: LogLine): Partial<Advice> {
  const details = fields['code_details'] ?? '';
  const [cause, cure] = reason === 'MALFORMED_REQUEST' && Object.hasOwn(FAULTS, details) ? (FAULTS[details] ?? []) : [];
  return cause === undefined || cure === undefined ? {} : { cause, cure };
}
