// Other single values of the configuration: paths, methods, files, times, remarks.
// Must not: relate two values to each other.

import { isAbsolute } from 'node:path/posix';
import { parseDuration } from '../../../duration.ts';
import { type CheckResult, HIDDEN, holdsPem, quote, text } from './string-checks.ts';

/** PATH_MAX of Linux. */
const MAX_FILE_PATH = 4095;

/** Printed to people when the file cannot be read: so, nothing that hides. */
function isFileName(value: string): boolean {
  return value.length <= MAX_FILE_PATH && !HIDDEN.test(value) && !holdsPem(value);
}

/** A text in the place of a key file's name may be the key: it is not repeated at all. */
const repeated = (value: string, { secret }: FileOptions): string => (secret ? 'this' : quote(value));

interface FileOptions {
  /** The file holds a private key. */
  readonly secret?: boolean;
}

export const filePath = (description: string, options: FileOptions = {}) =>
  text(description, { maxLength: MAX_FILE_PATH }, (value) =>
    isFileName(value)
      ? undefined
      : {
          code: 'INVALID_VALUE',
          message: `${repeated(value, options)} is not the name of a file`,
          hint: 'write the name of a file, never its content',
        },
  );

/** A file on the gateway's disk: the control plane's folder means nothing there. */
export const gatewayFilePath = (description: string, options: FileOptions = {}) =>
  text(description, { pattern: '^/', maxLength: MAX_FILE_PATH }, (value) =>
    isAbsolute(value) && isFileName(value)
      ? undefined
      : {
          code: 'INVALID_VALUE',
          message: `${repeated(value, options)} is not an absolute path`,
          hint: "write the path on the gateway's own disk, such as /etc/gateway/tls.pem",
        },
  );

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export const method = (description: string) =>
  text(description, { enum: METHODS }, (value) => {
    if (METHODS.includes(value)) return undefined;
    const upper = value.toUpperCase();
    const hint = METHODS.includes(upper) ? `write ${upper}` : `write some of ${METHODS.join(', ')}`;
    return { code: 'INVALID_METHOD', message: `${quote(value)} is not a method that can be granted`, hint };
  });

const MAX_PATH = 2000;

/** Segments that some backends skip or cut; requests with one match no rule that ends in /* (envoy/http/access-control/path-guard.ts). */
function isReadDifferently(segment: string): boolean {
  return /^\.+$|^\(.*\(/.test(segment);
}

/**
 * A path rule. Envoy normalizes a request's path before the rule sees it (dot segments, double slashes, escapes), so a
 * rule that is not normal itself could never match, and is an error.
 */
export const pathRule = (description: string) =>
  text(description, { pattern: '^/([^*?#%\\\\ ]*/)?(\\*|[^*?#%\\\\ /]*)$', maxLength: MAX_PATH }, (value) => {
    const bad = (hint: string): CheckResult => {
      return { code: 'INVALID_PATH', message: `${quote(value)} is not a path rule`, hint };
    };
    if (value.length > MAX_PATH) return bad(`at most ${MAX_PATH} characters`);
    if (!value.startsWith('/')) return bad(value === '*' ? 'write /* for everything' : 'start it with a slash');
    const body = value.endsWith('/*') ? value.slice(0, -1) : value;
    if (body.includes('*')) return bad('a trailing /* is the only wildcard, such as /v1/receipts/*');
    if (!/^[A-Za-z0-9\-._~!$&'()+,;=:@/]+$/.test(body))
      return bad('write the path alone, in plain ASCII: no query, no fragment, no % escapes, no backslash');
    if (body.includes('//') || body.split('/').some((part) => /^\.{1,2}(?:;|$)/.test(part)))
      return bad('write the normal form: no //, no . or .. segments, with a semicolon or without');
    if (value.endsWith('/*') && (body.includes(';') || body.split('/').some(isReadDifferently)))
      return bad('below /* no segment may hold a semicolon, be made of dots, or open with nested parentheses');
    return undefined;
  });

export const duration = (description: string, bounds: Bounds) =>
  text(description, { pattern: '^[0-9]{1,9}[smhd]$' }, (value) =>
    checkDuration(value, bounds, 'write something like 24h or 90m'),
  );

interface Bounds {
  readonly least: string;
  readonly most: string;
}

function checkDuration(value: string, bounds: Bounds, hint: string): CheckResult {
  const seconds = parseDuration(value);
  const [least, most] = [parseDuration(bounds.least) ?? 0, parseDuration(bounds.most) ?? 0];
  if (seconds !== undefined && seconds >= least && seconds <= most) return undefined;
  const message = `${quote(value)} is not a duration from ${bounds.least} to ${bounds.most}`;
  return { code: 'INVALID_DURATION', message, hint };
}

/** A duration, or the word that says that there is no limit. */
export const durationOrNone = (description: string, bounds: Bounds) =>
  text(description, { pattern: '^([0-9]{1,9}[smhd]|none)$' }, (value) =>
    value === 'none' ? undefined : checkDuration(value, bounds, 'write something like 30s, or none'),
  );

export const date = (description: string) =>
  text(description, { pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }, (value) => {
    const time = Date.parse(`${value}T00:00:00Z`);
    const real =
      /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
    return real
      ? undefined
      : {
          code: 'INVALID_DATE',
          message: `${quote(value)} is not a calendar date`,
          hint: 'write something like 2027-03-31',
        };
  });

const MAX_REMARK = 500;

/** Free text of people for people; printed, so without control characters. */
export const remark = (description: string) =>
  text(description, { maxLength: MAX_REMARK }, (value) =>
    HIDDEN.test(value) || value.length > MAX_REMARK
      ? {
          code: 'INVALID_VALUE',
          message: `a text with hidden characters, or longer than ${MAX_REMARK}`,
          hint: 'write one plain line',
        }
      : undefined,
  );
