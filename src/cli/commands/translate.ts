// `postern translate`: the Envoy resources of a configuration, private keys redacted.
// In: a file. Out: ProtoJSON. Must not: print a key; what `run` issues is shown as a placeholder.

import { stringify } from 'yaml';
import { decodeResource } from '../../envoy/proto/codec.ts';
import { EXIT, hasErrors } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { RejectedConfig } from '../../pipeline/rejected-config.ts';
import { anyBody } from '../../snapshot/resource.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { oneOf, outputFormat, type Run, required } from '../command.ts';
import { compileOnce } from '../compile-once.ts';
import { resolvedConfiguration } from '../configuration.ts';

export const translate: Run = async (invocation) => {
  const only = invocation.flag('gateway');
  const role =
    only === undefined ? undefined : oneOf<GatewayRole>(only, ['ingress', 'egress'], invocation.named('gateway'));
  const output = outputFormat(invocation, ['json', 'yaml'] as const, 'yaml');
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
