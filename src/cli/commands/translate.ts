// `postern translate`: prints the Envoy resources of a configuration, always in the same order.
// Must not: print a private key; what `run` issues is shown as a placeholder, and so is a trust bundle that --without-keys did without.

import { stringify } from 'yaml';
import { EXIT, formatDiagnostic } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { shownResources } from '../../pipeline/shown-resources.ts';
import { withoutKeys } from '../../without-keys.ts';
import { choice, isOn, outputFormat, type Run, required } from '../command.ts';
import { compileOnce } from '../compile-once.ts';
import { resolvedConfiguration } from '../configuration.ts';

const ROLES: readonly GatewayRole[] = ['ingress', 'egress'];

export const translate: Run = async (invocation) => {
  const isNarrowed = invocation.flag('gateway') !== undefined;
  const roles = isNarrowed ? [choice(invocation, 'gateway', ROLES)] : ROLES;
  const output = outputFormat(invocation, ['json', 'yaml'] as const, 'yaml');
  const options = { withoutKeys: isOn(invocation, 'without-keys') };
  const now = Date.now();
  const read = await resolvedConfiguration(required(invocation, 'file'), now, options);
  // These errors deny single peers, and `run` serves the rest: say why resources are missing from the output.
  for (const finding of read.diagnostics.filter(({ severity }) => severity === 'error'))
    invocation.stderr(`${formatDiagnostic(finding)}\n`);
  const absent = read.loaded.absent
    .filter(({ path: [section] }) => section !== 'identity')
    .map(({ path }) => withoutKeys(path.join('.')));
  if (absent.length > 0)
    invocation.stderr(`postern: not here, and a placeholder in the output: ${absent.join(', ')}\n`);
  const { snapshots, placeholderPem } = await compileOnce(read, now);
  const value = Object.fromEntries(
    roles
      .filter((role) => isNarrowed || snapshots.has(role))
      .map((role) => [role, shownResources(snapshots.get(role), placeholderPem)]),
  );
  invocation.stdout(output === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value));
  return EXIT.ok;
};
