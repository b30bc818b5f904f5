// Asks the admin port of Postern or of an Envoy, and says what is wrong with the address when nothing useful answers.
// Must not: follow redirects, or send anything but plain HTTP; a TLS handshake only finds out what listens.

import { request } from 'node:http';
import { connect } from 'node:tls';
import { PosternError } from '../errors.ts';
import { tooHighPort } from '../host-port.ts';
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
    throw new PosternError(
      'USAGE',
      `${invocation.named(name)} takes HOST:PORT or an http URL, not ${given}${tooHighPort(given)}`,
    );
  return new URL(text);
}

/** Errors: an Error whose message says why there is no answer; it is no PosternError, because the caller knows the next step. */
export function askAdmin(admin: URL, path: string, method: 'GET' | 'POST' = 'GET'): Promise<AdminAnswer> {
  return new Promise((fulfil, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      void reasonOf(error, admin).then((reason) => reject(new Error(reason, { cause: error })));
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
};
const TLS_PORT =
  "what listens there speaks TLS: it is an xDS port (18000) or a gateway's port for peers, or no admin port";
const NOT_HTTP = 'what listens there does not speak HTTP';

async function reasonOf({ code = '', message }: NodeJS.ErrnoException, { hostname, port }: URL): Promise<string> {
  // The parser's own codes: HPE_INVALID_CONSTANT and others.
  const spoke = code.startsWith('HPE_') || code === 'ECONNRESET' || code === 'EPIPE';
  if (spoke) return (await speaksTls(hostname.replace(/^\[|\]$/g, ''), Number(port))) ? TLS_PORT : NOT_HTTP;
  return REASONS[code] ?? (code === '' ? message : code);
}

/** Whether a TLS handshake is answered, also when the server then demands a certificate. Nothing is sent over it. */
function speaksTls(host: string, port: number): Promise<boolean> {
  return new Promise((fulfil) => {
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: TIMEOUT_MS, ALPNProtocols: ['h2'] });
    const end = (answer: boolean): void => {
      socket.destroy();
      fulfil(answer);
    };
    socket.once('secureConnect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => end(/^ERR_SSL_.*ALERT_/.test(code)));
    socket.once('close', () => end(false));
  });
}

/** The JSON of an answer; undefined for anything else, which some other program has sent. */
export function jsonIn({ status, body }: AdminAnswer): unknown {
  if (status !== 200) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Whether it is an object whose keys hold what is named: enough to tell Postern from anything else that answers. */
export function hasShape(
  value: unknown,
  shape: Readonly<Record<string, 'string' | 'object' | 'array'>>,
): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false;
  return Object.entries(shape).every(([key, kind]) => {
    const part = value[key];
    return kind === 'array' ? Array.isArray(part) : kind === 'object' ? isObject(part) : typeof part === kind;
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What Envoy's admin port says of a path that it does not have, or that its bootstrap does not allow. */
export function isEnvoyAdmin({ status, body }: AdminAnswer): boolean {
  return (status === 403 || status === 404) && /request to path .*not allowed|admin commands are/i.test(body);
}
