// The single values of the configuration: what each must look like, and what to write instead when it does not.
// In: a value of the right YAML type. Out: zod schemas that report our codes. Must not: relate two values to each other.

import { isIP } from 'node:net';
import { isAbsolute } from 'node:path/posix';
import { z } from 'zod';
import type { FindingCode } from '../errors.ts';
import { isHostName, isLabel, parseHostPort } from './host-port.ts';

/** What a failed check says; zod carries it as the `params` of a custom issue. */
export interface CheckParams {
  readonly finding: FindingCode;
  readonly hint: string;
}

type Verdict = { readonly code: FindingCode; readonly message: string; readonly hint: string } | undefined;

/** A text that must pass `judge`. */
function text(description: string, judge: (value: string) => Verdict) {
  return z
    .string()
    .describe(description)
    .superRefine((value, context) => {
      const verdict = value === '' ? EMPTY : judge(value);
      if (verdict === undefined) return;
      const params: CheckParams = { finding: verdict.code, hint: verdict.hint };
      context.addIssue({ code: 'custom', message: verdict.message, params: { ...params } });
    });
}

const EMPTY: Verdict = { code: 'EMPTY', message: 'an empty text', hint: 'write a value, or leave the key out' };

/** A value as it may be repeated to a person: never a control or bidirectional character. */
export function shown(value: string): string {
  const safe = [...value.slice(0, 80)].map((char) =>
    /[\x21-\x7e ]/.test(char) ? char : `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
  return `"${safe.join('')}"`;
}

function nameVerdict(value: string, what: string, example: string): Verdict {
  const message = `${shown(value)} is not ${what}`;
  if (/[^\x20-\x7e]/.test(value)) {
    return { code: 'INVALID_NAME', message, hint: 'write ASCII letters only: a look-alike character is another name' };
  }
  const lower = value.toLowerCase();
  const hint = lower !== value ? `write it in lower case, such as ${lower}` : `write something like ${example}`;
  return { code: 'INVALID_NAME', message, hint };
}

export const label = (description: string) =>
  text(description, (value) => (isLabel(value) ? undefined : nameVerdict(value, 'one host name label', 'bank')));

/** Short enough that `<name>.exports.<trust domain>` can still be a host name. */
const MAX_SERVICE_NAME = 200;

export const hostName = (description: string) =>
  text(description, (value) =>
    isHostName(value) && value.length <= MAX_SERVICE_NAME
      ? undefined
      : nameVerdict(value, 'a host name', 'reviews.default.svc.cluster.local'),
  );

export const trustDomain = (description: string) =>
  text(description, (value) => {
    const fine =
      /^[a-z0-9._-]{1,240}$/.test(value) && value.split('.').every((part) => part.length >= 1 && part.length <= 63);
    if (fine) return undefined;
    const bare = value
      .replace(/^spiffe:\/\//, '')
      .replace(/\/.*$/, '')
      .toLowerCase();
    const hint =
      bare !== value && /^[a-z0-9._-]+$/.test(bare)
        ? `write ${bare}`
        : 'write a name such as bank.example: lower-case letters, digits, dots, hyphens';
    return { code: 'INVALID_TRUST_DOMAIN', message: `${shown(value)} is not a trust domain name`, hint };
  });

export const identityPath = (description: string) =>
  text(description, (value) => {
    const segments = value.split('/');
    if (segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..'))
      return undefined;
    const message = `${shown(value)} is not a SPIFFE path relative to its trust domain`;
    const uri = /^spiffe:\/\/[^/]+\/(.+)$/.exec(value);
    if (uri !== null) {
      return {
        code: 'INVALID_IDENTITY',
        message,
        hint: `write the path alone, such as ${uri[1]}; the trust domain is the one beside it, never another`,
      };
    }
    if (value.includes('*'))
      return {
        code: 'INVALID_IDENTITY',
        message,
        hint: 'name each gateway identity exactly; there is no wildcard here',
      };
    return {
      code: 'INVALID_IDENTITY',
      message,
      hint: 'write something like gateway/egress, without a leading or trailing slash',
    };
  });

export const hostPort = (description: string) =>
  text(description, (value) =>
    parseHostPort(value) !== undefined
      ? undefined
      : {
          code: 'INVALID_ADDRESS',
          message: `${shown(value)} is not HOST:PORT`,
          hint: 'write something like gw.example.com:15443 or 192.0.2.1:15443, with a port from 1 to 65535',
        },
  );

export const bindAddress = (description: string) =>
  text(description, (value) => {
    const parsed = parseHostPort(value);
    if (parsed !== undefined && isIP(parsed.host) !== 0) return undefined;
    return {
      code: 'INVALID_ADDRESS',
      message: `${shown(value)} is not IP:PORT`,
      hint: 'write the IP address to listen on and a port, such as 0.0.0.0:15443 or "[::]:15443"',
    };
  });

export const ipAddress = (description: string) =>
  text(description, (value) =>
    isIP(value) !== 0
      ? undefined
      : {
          code: 'INVALID_ADDRESS',
          message: `${shown(value)} is not an IP address`,
          hint: 'write the IP address to listen on, such as 127.0.0.1; each import names its port',
        },
  );

export const filePath = (description: string) =>
  text(description, (value) =>
    /[\0-\x1f]/.test(value)
      ? { code: 'INVALID_VALUE', message: 'a file name with a control character', hint: 'write the name of a file' }
      : undefined,
  );

/** A file on the gateway's disk: the control plane's folder means nothing there. */
export const gatewayFilePath = (description: string) =>
  text(description, (value) =>
    isAbsolute(value) && !/[\0-\x1f]/.test(value)
      ? undefined
      : {
          code: 'INVALID_VALUE',
          message: `${shown(value)} is not an absolute path`,
          hint: "write the path on the gateway's own disk, such as /etc/gateway/tls.pem",
        },
  );

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export const method = (description: string) =>
  text(description, (value) => {
    if (METHODS.includes(value)) return undefined;
    const upper = value.toUpperCase();
    const hint = METHODS.includes(upper) ? `write ${upper}` : `write some of ${METHODS.join(', ')}`;
    return { code: 'INVALID_METHOD', message: `${shown(value)} is not a method that can be granted`, hint };
  });

/**
 * A path rule. Envoy normalizes a request's path before the rule sees it (dot segments, double slashes, escapes), so a
 * rule that is not normal itself could never match, and is an error.
 */
export const pathRule = (description: string) =>
  text(description, (value) => {
    const message = `${shown(value)} is not a path rule`;
    const bad = (hint: string): Verdict => ({ code: 'INVALID_PATH', message, hint });
    if (!value.startsWith('/')) return bad(value === '*' ? 'write /* for everything' : 'start it with a slash');
    const body = value.endsWith('/*') ? value.slice(0, -1) : value;
    if (body.includes('*')) return bad('a trailing /* is the only wildcard, such as /v1/receipts/*');
    if (!/^[A-Za-z0-9\-._~!$&'()+,;=:@/]+$/.test(body))
      return bad('write the path alone, in plain ASCII: no query, no fragment, no % escapes, no backslash');
    if (body.includes('//') || body.split('/').some((part) => part === '.' || part === '..'))
      return bad('write the normal form: no //, no . or .. segments');
    return undefined;
  });

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of a duration such as 90m, or undefined. */
export function parseDuration(value: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
}

export const duration = (description: string, bounds: { readonly least: string; readonly most: string }) =>
  text(description, (value) => {
    const seconds = parseDuration(value);
    const [least, most] = [parseDuration(bounds.least) ?? 0, parseDuration(bounds.most) ?? 0];
    if (seconds !== undefined && seconds >= least && seconds <= most) return undefined;
    return {
      code: 'INVALID_DURATION',
      message: `${shown(value)} is not a duration from ${bounds.least} to ${bounds.most}`,
      hint: 'write something like 24h or 90m',
    };
  });

export const date = (description: string) =>
  text(description, (value) => {
    const time = Date.parse(`${value}T00:00:00Z`);
    const real =
      /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
    return real
      ? undefined
      : {
          code: 'INVALID_DATE',
          message: `${shown(value)} is not a calendar date`,
          hint: 'write something like 2027-03-31',
        };
  });

/** Free text of people for people; printed, so without control characters. */
export const remark = (description: string) =>
  text(description, (value) =>
    /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(value) || value.length > 500
      ? {
          code: 'INVALID_VALUE',
          message: 'a text with control characters, or longer than 500',
          hint: 'write one plain line',
        }
      : undefined,
  );
