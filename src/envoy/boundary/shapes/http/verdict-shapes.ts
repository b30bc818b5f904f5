// What a gateway may count of its verdicts: one counter, with labels that are names of the file or codes.
// Must not: be made of envoy/http/verdict-counter.ts, which is what is checked here; nor let a label through that somebody
// outside fills in.

import { amount, is, message, type Shape, sequence, typed } from '../shape.ts';

/** Only what Postern itself has written, or an expression that gives codes. */
const IN_ORDER = ['layer', 'peer', 'export', 'import', 'reason'];

/** `labels`: the formats that fill them, of the same line of the log. */
export function counter(role: string, labels: Readonly<Record<string, Shape>>, filter: Shape): Shape {
  const gateway = message({ name: is('gateway'), value_format: is(role) });
  const tags = IN_ORDER.flatMap((name) => {
    const format = labels[name];
    return format === undefined ? [] : [message({ name: is(name), value_format: format })];
  });
  return message({
    name: is('envoy.access_loggers.stats'),
    typed_config: typed('envoy.extensions.access_loggers.stats.v3.Config', {
      stats_scope: message({ prefix: is('postern'), max_counters: is(50_000) }),
      counters: sequence(
        message({ stat: message({ name: is('verdicts'), tags: sequence(gateway, ...tags) }), value_fixed: amount(1) }),
      ),
    }),
    filter,
  });
}
