// Checks of names that need other parts of the file: keys of `peers`, and identities that are written as whole SPIFFE IDs.
// Must not: accept anything that the schema refused.

import { errorAt, type Finding, type Path } from '../../errors.ts';
import { isLabel } from '../../host-port.ts';
import { holdsKey, quote } from '../schema/values/string-checks.ts';

const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)\/([A-Za-z0-9._/-]+(?:\/\*)?)$/;

/** Findings about keys of `peers` that are not labels: they become part of host names and resource names. */
export function peerNames(root: unknown): readonly Finding[] {
  const peers = (root as { readonly peers?: unknown } | null)?.peers;
  if (typeof peers !== 'object' || peers === null || Array.isArray(peers)) return [];
  return Object.keys(peers)
    .filter((name) => !isLabel(name))
    .map((name) => {
      const message = `${quote(name)} is not a valid name of a peer: it must be one host name label`;
      const hint = 'write lower-case ASCII letters, digits and hyphens, at most 63';
      return { ...errorAt('INVALID_NAME', ['peers', name], message, hint), atKey: true };
    });
}

/** For an identity of another trust domain than its peer's or mesh's, a hint that names both. */
export function withIdentityHint(finding: Finding, root: unknown): Finding {
  if (finding.code !== 'INVALID_IDENTITY') return finding;
  const [, named, path] = SPIFFE_ID.exec(textAt(root, finding.path) ?? '') ?? [];
  const expected = textAt(root, [...ownerOf(finding.path, root), 'trustDomain']);
  if (named === undefined || holdsKey(`${named}/${path}`) || expected === undefined || named === expected)
    return finding;
  const hint = `this identity belongs to the trust domain ${named}; only identities of ${expected} can be named here, such as ${path}`;
  return { ...finding, hint };
}

/** The mesh or peer whose identities may be named at the path. */
function ownerOf(path: Path, root: unknown): Path {
  const [section, first, key, second] = path;
  if (section === 'peers' && first !== undefined) return ['peers', first];
  if (section !== 'exports' || key !== 'consumers' || first === undefined || second === undefined) return ['mesh'];
  const consumer = ['exports', first, 'consumers', second];
  return ['peers', textAt(root, [...consumer, 'peer']) ?? ''];
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
