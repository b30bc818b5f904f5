// Identities that were written as whole SPIFFE IDs: whether they are of the trust domain that stands beside them.
// In: a finding and the file as plain data. Out: the finding, with a hint that says what to do. Must not: accept anything.

import type { Finding, Path } from '../../errors.ts';
import { holdsKey } from '../schema/string-checks.ts';

const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)\/([A-Za-z0-9._/-]+)$/;

export function foreignIdentity(finding: Finding, root: unknown): Finding {
  if (finding.code !== 'INVALID_IDENTITY') return finding;
  const [, named, path] = SPIFFE_ID.exec(textAt(root, finding.path) ?? '') ?? [];
  const [section, peer] = finding.path;
  const beside = section === 'peers' && peer !== undefined ? ['peers', peer] : ['mesh'];
  const ours = textAt(root, [...beside, 'trustDomain']);
  if (named === undefined || holdsKey(`${named}/${path}`) || ours === undefined || named === ours) return finding;
  const hint = `it is of another trust domain (${named}), and only identities of ${ours} can be named here, such as ${path}`;
  return { ...finding, hint };
}

function textAt(root: unknown, path: Path): string | undefined {
  const value = path.reduce<unknown>(
    (part, step) =>
      typeof part === 'object' && part !== null && Object.hasOwn(part, step)
        ? (part as Record<string | number, unknown>)[step]
        : undefined,
    root,
  );
  return typeof value === 'string' ? value : undefined;
}
