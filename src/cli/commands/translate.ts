// `postern translate`: the Envoy resources of a configuration, private keys redacted.
// In: a file. Out: ProtoJSON. Must not: print a key; what `run` issues is shown as a placeholder.

import { stringify } from 'yaml';
import { decodeResource } from '../../envoy/proto/codec.ts';
import { EXIT, hasErrors } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { RejectedConfig } from '../../pipeline/identity-needs.ts';
import { anyBody } from '../../snapshot/resource.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { type Command, FILE, oneOf, required } from '../command.ts';
import { compileOnce, resolvedConfiguration } from '../configuration.ts';

export const translate: Command = {
  name: 'translate',
  summary: 'prints the Envoy resources, secrets redacted',
  flags: [
    FILE,
    { name: 'gateway', value: 'ingress|egress', summary: 'only those of this gateway' },
    { name: 'output', short: 'o', value: 'json|yaml', summary: 'how to print', default: 'json' },
  ],
  run: async (invocation) => {
    const only = invocation.flag('gateway');
    const role = only === undefined ? undefined : oneOf<GatewayRole>(only, ['ingress', 'egress'], '--gateway');
    const output = oneOf(invocation.flag('output'), ['json', 'yaml'], '--output');
    const now = Date.now();
    const read = await resolvedConfiguration(required(invocation, 'file'), now);
    // What is printed must be the whole configuration: a peer that is missing because of its file would go unnoticed.
    if (hasErrors(read.diagnostics)) throw new RejectedConfig(read.diagnostics);
    const snapshots = compileOnce(read);
    const shown = Object.fromEntries(
      [...snapshots]
        .filter(([name]) => role === undefined || name === role)
        .map(([name, snapshot]) => [name, resourcesOf(snapshot)]),
    );
    const value = role === undefined ? shown : (shown[role] ?? []);
    invocation.stdout(output === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value));
    return EXIT.ok;
  },
};

function resourcesOf(snapshot: Snapshot): readonly unknown[] {
  return [...snapshot.types.values()].flatMap((type) =>
    [...type.resources.values()].map((resource) => redact(decodeResource(resource.typeUrl, anyBody(resource)))),
  );
}

/** Everything below a key's name goes, whatever form it has. */
function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'private_key' && isInline(item) ? '[redacted]' : redact(item),
    ]),
  );
}

/** A file name on the gateway's disk is no secret. */
function isInline(source: unknown): boolean {
  return typeof source === 'object' && source !== null && !('filename' in source);
}
