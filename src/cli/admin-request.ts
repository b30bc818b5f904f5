// Asks the admin port of Postern or of an Envoy, and says what is wrong with the address when nothing useful answers.
// Must not: follow redirects, or speak to anything but plain HTTP.

import { request } from 'node:http';
import { PosternError } from '../errors.ts';
import { type Invocation, required } from './command.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 5000;

/** The address of a flag: HOST:PORT, or an http URL. Errors: USAGE. */
export function adminUrl(invocation: Invocation, name: string): URL {
  const given = required(invocation, name);
  const text = given.includes('://') ? given : `http://${given}`;
  const isWhole = given.includes('://') || /:\d{1,5}$/.test(given);
  if (!isWhole || !URL.canParse(text) || new URL(text).protocol !== 'http:')
    throw new PosternError('USAGE', `${invocation.named(name)} takes HOST:PORT or an http URL, not ${given}`);
  return new URL(text);
}

/** Errors: an Error whose message says why there is no answer; it is no PosternError, because the caller knows the next step. */
export function askAdmin(admin: URL, path: string, method: 'GET' | 'POST' = 'GET'): Promise<AdminAnswer> {
  return new Promise((fulfil, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(new Error(reasonOf(error), { cause: error }));
    const sent = request(new URL(path, admin), { method, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () =>
        fulfil({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      );
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    sent.on('error', fail);
    sent.end();
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: `it does not answer within ${TIMEOUT_MS / 1000} seconds`,
  ECONNRESET: 'what listens there does not speak HTTP (the xDS port?)',
  EPIPE: 'what listens there does not speak HTTP (the xDS port?)',
};

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  // The parser's own codes: HPE_INVALID_CONSTANT and others.
  const known = code.startsWith('HPE_') ? REASONS['ECONNRESET'] : REASONS[code];
  return known ?? (code === '' ? message : code);
}
