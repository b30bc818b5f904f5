// The form of the answers that a gateway gives by itself, in their order.
// Must not: be made of envoy/http/local-reply.ts, which is what is checked here.

import { is, message, once, type Shape, sequence, text, under } from '../shape.ts';

function status(op: 'GE' | 'EQ', code: number): Shape {
  const key = op === 'GE' ? `postern.local_reply_from_${code}` : `postern.local_reply_${code}`;
  const value = message({ default_value: is(code), runtime_key: is(key) });
  // EQ is the zero value of its field.
  const comparison = op === 'GE' ? message({ op: is('GE'), value }) : message({ value }, { op: is('EQ') });
  return message({ status_code_filter: message({ comparison }) });
}

const ADMITTED = message({
  metadata_filter: message({
    matcher: message({
      filter: is('envoy.filters.http.rbac'),
      path: sequence(message({ key: is('enforced_engine_result') })),
      value: message({ string_match: message({ exact: is('allowed') }) }),
    }),
    match_if_key_not_found: is(false),
  }),
});

/** The expressions are those of the guard (checks/http/underscore-rules.ts); here they only choose between 400 and 403. */
const UNDERSCORE = message({
  or_filter: message({
    filters: sequence(sizesMatch({ invert_match: is(true) }), sizesMatch(), sizesMatch()),
  }),
});

function sizesMatch(more: Readonly<Record<string, Shape>> = {}): Shape {
  const string_match = message({ safe_regex: message({ regex: text }) });
  return message({
    header_filter: message({ header: message({ name: is('x-postern-header-bytes'), string_match, ...more }) }),
  });
}

const GRPC = message({
  header_filter: message({
    header: message({ name: is('content-type'), string_match: message({ prefix: is('application/grpc') }) }),
  }),
});

function all(...filters: readonly Shape[]): Shape {
  return message({ and_filter: message({ filters: sequence(...filters) }) });
}

/** gRPC first, and without a line feed. */
function worded(filter: Shape, more: Readonly<Record<string, Shape>> = {}): readonly Shape[] {
  return [reply(all(filter, GRPC), '', more), reply(filter, '\n', more)];
}

function reply(condition: Shape, end: string, more: Readonly<Record<string, Shape>> = {}): Shape {
  return message({
    filter: condition,
    body_format_override: message({
      text_format_source: message({ inline_string: is(`gateway: %RESPONSE_CODE%${end}`) }),
      content_type: is('text/plain'),
    }),
    ...more,
  });
}

/** To a gRPC call with too large a body: the status that tells it so. */
function exhausted(...filters: readonly Shape[]): Shape {
  return reply(all(...filters, GRPC), '', {
    headers_to_add: sequence(
      message({
        header: message({ key: is('grpc-status'), value: is('8') }),
        append_action: is('OVERWRITE_IF_EXISTS_OR_ADD'),
      }),
    ),
  });
}

function replies(...mappers: readonly Shape[]): Shape {
  return under('REFUSALS_ALIKE', once(message({ mappers: sequence(...mappers) })));
}

export const INGRESS_REPLIES = replies(
  ...worded(status('GE', 500)),
  ...worded(status('EQ', 429)),
  exhausted(status('EQ', 413), ADMITTED),
  reply(all(status('EQ', 413), ADMITTED), '\n'),
  ...worded(status('GE', 400), { status_code: is(403) }),
);

function egressReplies(...admitted: readonly Shape[]): Shape {
  return replies(
    exhausted(status('EQ', 413)),
    ...worded(all(status('EQ', 403), UNDERSCORE, ...admitted), { status_code: is(400) }),
    ...worded(status('GE', 400)),
  );
}

export const EGRESS_REPLIES = egressReplies();
/** Where callers prove who they are: of what access control has admitted. */
export const CALLERS_REPLIES = egressReplies(ADMITTED);
