// Names in the configuration: labels, host names, trust domains.
// Must not: normalize; a name is what is written, or an error.

import { isIP } from 'node:net';
import { isHostName, isLabel } from '../../../host-port.ts';
import { type CheckResult, holdsKey, quote, text } from './string-checks.ts';

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
export const LABEL_PATTERN = `^${LABEL}$`;
const ASCII_ONLY = 'write ASCII letters only: a look-alike character is another name';

function nameResult(value: string, what: string, example: string): CheckResult {
  return { code: 'INVALID_NAME', message: `${quote(value)} is not ${what}`, hint: nameHint(value, what, example) };
}

function nameHint(value: string, what: string, example: string): string {
  if (/[\r\n]/.test(value)) return 'write it on one line; a closing quote may be missing';
  if (/[^\x20-\x7e]/.test(value)) return ASCII_ONLY;
  if (holdsKey(value)) return `write something like ${example}`;
  const lower = value.toLowerCase();
  if (lower !== value && isHostName(lower)) return `write it in lower case: ${lower}`;
  if (value.includes('*')) return 'name each one; there is no wildcard here';
  if (isIP(value) !== 0 || /^[\d.]+$/.test(value)) return `write ${what}, not an IP address, such as ${example}`;
  if (/[:/]/.test(value)) return `write ${what} alone, without scheme, port or path, such as ${example}`;
  if (value.includes('_')) return 'write - instead of _';
  if (value.length > MAX_SERVICE_NAME || value.split('.').some((part) => part.length > MAX_LABEL))
    return `at most ${MAX_LABEL} characters between two dots, and ${MAX_SERVICE_NAME} in all`;
  return `write something like ${example}`;
}

export const label = (description: string) =>
  text(description, { pattern: LABEL_PATTERN }, (value) =>
    isLabel(value) ? undefined : nameResult(value, 'one host name label', 'bank'),
  );

const MAX_LABEL = 63;
/** Short enough that `<name>.exports.<trust domain>` can still be a host name. */
const MAX_SERVICE_NAME = 200;

export const hostName = (description: string) =>
  text(description, { pattern: `^${LABEL}(\\.${LABEL})*$`, maxLength: MAX_SERVICE_NAME }, (value) =>
    isHostName(value) && value.length <= MAX_SERVICE_NAME
      ? undefined
      : nameResult(value, 'a host name', 'reviews.default.svc.cluster.local'),
  );

/** Room for the `<label>.peers.` or `<export>.exports.` before it; federation/rules/object-rules.ts adds up the whole names. */
const MAX_TRUST_DOMAIN = 240;

/** SPIFFE-ID 2.1; every part is also a label of the host names that are made of it. */
export const trustDomain = (description: string) =>
  text(description, { pattern: '^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$', maxLength: MAX_TRUST_DOMAIN }, (value) => {
    const fine =
      /^[a-z0-9._-]+$/.test(value) && value.split('.').every((part) => part.length >= 1 && part.length <= MAX_LABEL);
    const reserved = value.split('.').find((part) => part === 'peers' || part === 'exports');
    if (fine && value.length <= MAX_TRUST_DOMAIN && reserved === undefined) return undefined;
    const message = `${quote(value)} is not a trust domain name`;
    const bare = value
      .replace(/^spiffe:\/\//i, '')
      .replace(/\/.*$/s, '')
      .toLowerCase();
    const hint = /[^\x20-\x7e]/.test(value)
      ? ASCII_ONLY
      : value.length > MAX_TRUST_DOMAIN || value.split('.').some((part) => part.length > MAX_LABEL)
        ? `at most ${MAX_TRUST_DOMAIN} characters, and ${MAX_LABEL} between two dots: it becomes part of host names`
        : fine && reserved !== undefined
          ? `use a trust domain without the label ${reserved}: it separates the parts of the names between gateways`
          : bare !== value && /^[a-z0-9._-]+$/.test(bare) && !holdsKey(value)
            ? `write ${bare}`
            : 'write a name such as bank.example: lower-case letters, digits, dots, hyphens';
    return { code: 'INVALID_TRUST_DOMAIN', message, hint };
  });
