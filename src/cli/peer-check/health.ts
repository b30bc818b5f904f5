// Asks a peer's gateway for its health, as Envoy's health check of our egress gateway does.
// Must not: be called for a gateway that our egress gateway would refuse, or send anything about us beside the request.

import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { type Dial, tlsOptions } from './dial.ts';

const ANSWER_TIMEOUT_MS = 5000;

/** The HTTP status; absent: no answer. */
export function healthOf(wanted: Dial, authority: string, path: string): Promise<number | undefined> {
  return new Promise((fulfil) => {
    const session = connectHttp2(`https://${authority}`, {
      // As Envoy says as well. The error of a pushed stream that nobody listens to would end the process.
      settings: { enablePush: false },
      createConnection: () =>
        connectTls({ ...tlsOptions(wanted), host: wanted.ip, port: wanted.port, rejectUnauthorized: true }),
    });
    const finish = (status?: number): void => {
      clearTimeout(timer);
      session.destroy();
      fulfil(status);
    };
    const timer = setTimeout(finish, ANSWER_TIMEOUT_MS);
    session.on('error', () => finish());
    session.on('close', () => finish());
    const stream = session.request({ ':method': 'GET', ':path': path, 'user-agent': 'Envoy/HC' }, { endStream: true });
    stream.on('response', ({ ':status': status }) => finish(status));
    stream.on('error', () => finish());
    stream.on('end', () => finish());
    stream.resume();
  });
}
