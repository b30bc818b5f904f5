// SPIFFE paths in the configuration, relative to the trust domain beside them: of gateways exact, of workloads exact or a subtree.
// Must not: accept a whole SPIFFE ID, whose trust domain could be another one.

import { type CheckResult, holdsKey, quote, text } from './string-checks.ts';

const SEGMENT = '[A-Za-z0-9._-]+';
const PATH = `${SEGMENT}(/${SEGMENT})*`;

/** SPIFFE-ID 2.3: the whole ID takes at most 2048 bytes. */
const MAX_IDENTITY = 1700;

export const identityPath = (description: string) =>
  text(description, { pattern: `^${PATH}$`, maxLength: MAX_IDENTITY }, (value) =>
    isPath(value)
      ? undefined
      : refusal(
          value,
          'name each gateway identity exactly; there is no wildcard here',
          'write something like gateway/egress, without a leading or trailing slash',
        ),
  );

/** A workload by the path of its SPIFFE ID, `ns/shop/sa/web`; a trailing /* is everything below whole segments: `ns/shop/*`. */
export const workloadPath = (description: string) =>
  text(description, { pattern: `^${PATH}(/\\*)?$`, maxLength: MAX_IDENTITY }, (value) => {
    const path = value.endsWith('/*') ? value.slice(0, -2) : value;
    return isPath(path) && value.length <= MAX_IDENTITY
      ? undefined
      : refusal(
          value,
          value === '*' || value === '/*'
            ? 'name the workloads, or everything below a path: ns/shop/*'
            : 'a trailing /* is the only wildcard, such as ns/shop/*: it stands for whole segments',
          'write something like ns/shop/sa/web or ns/shop/*, without a leading or trailing slash',
        );
  });

/** What the operator may have meant by a full SPIFFE ID: its path. */
const URI = /^spiffe:\/\/[^/]+\/([A-Za-z0-9._/-]+(?:\/\*)?|\*)$/;

function isPath(value: string): boolean {
  const isSegment = (segment: string): boolean =>
    /^[A-Za-z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..';
  return value.length <= MAX_IDENTITY && value.split('/').every(isSegment);
}

function refusal(value: string, wildcard: string, otherwise: string): CheckResult {
  const message = `${quote(value)} is not a SPIFFE path relative to its trust domain`;
  const bad = (hint: string): CheckResult => ({ code: 'INVALID_IDENTITY', message, hint });
  const uri = holdsKey(value) ? null : URI.exec(value);
  if (uri !== null)
    return bad(`write the path alone, such as ${uri[1]}; the trust domain is the one beside it, never another`);
  if (value.includes('*')) return bad(wildcard);
  return bad(value.length > MAX_IDENTITY ? `at most ${MAX_IDENTITY} characters` : otherwise);
}
