// Addresses in the configuration: those that are dialled, and those that are listened on.
// Must not: look anything up.

import { isIP } from 'node:net';
import * as z from 'zod';
import { isIpAddress, isPort, parseHostPort, tooHighPort } from '../../../host-port.ts';
import { holdsKey, issueOf, quote, text } from './string-checks.ts';
import { whyUndialable } from './undialable-addresses.ts';

const HOST_PORT = '(\\[[0-9A-Fa-f:.]+\\]|[a-z0-9._-]+):[0-9]{1,5}';

/** HOST:PORT that a gateway dials. */
export const hostPort = (description: string) =>
  text(description, { pattern: `^${HOST_PORT}$` }, (value) => {
    const parsed = parseHostPort(value);
    const why = parsed && whyUndialable(parsed.host);
    if (parsed !== undefined && why === undefined) return undefined;
    const message =
      why === undefined
        ? `${quote(value)} is not HOST:PORT${tooHighPort(value)}`
        : `${quote(value)} cannot be dialled: ${why}`;
    const lower = value.toLowerCase();
    const hint =
      parseHostPort(lower) !== undefined && lower !== value && !holdsKey(value)
        ? `write it in lower case: ${lower}`
        : 'write something like gw.example.com:15443, 192.0.2.1:15443 or "[2001:db8::1]:15443", with a port from 1 to 65535';
    return { code: 'INVALID_ADDRESS', message, hint };
  });

export const bindAddress = (description: string) =>
  text(description, { pattern: `^${HOST_PORT}$` }, (value) => {
    const parsed = parseHostPort(value);
    if (parsed !== undefined && isIP(parsed.host) !== 0) return undefined;
    return {
      code: 'INVALID_ADDRESS',
      message: `${quote(value)} is not IP:PORT${tooHighPort(value)}`,
      hint: 'write the IP address to listen on and a port, such as 0.0.0.0:15443 or "[::]:15443"',
    };
  });

export const ipAddress = (description: string) =>
  text(description, { pattern: '^[0-9A-Fa-f:.]+$' }, (value) =>
    isIpAddress(value)
      ? undefined
      : {
          code: 'INVALID_ADDRESS',
          message: `${quote(value)} is not an IP address`,
          hint: 'write the IP address to listen on, such as 127.0.0.1; each import names its port',
        },
  );

export const port = (description: string) =>
  z
    .number()
    .describe(description)
    .meta({ type: 'integer', minimum: 1, maximum: 65535 })
    .superRefine((value, context) => {
      if (isPort(value)) return;
      const hint = 'write a whole number from 1 to 65535';
      context.addIssue(issueOf({ code: 'INVALID_VALUE', message: `${value} is not a port`, hint }));
    });
