// Sends one HTTP/2 request to a peer's gateway, and takes the answer, as our egress gateway would.
// Must not: be called for a gateway that our egress gateway would refuse, or keep more of an answer than says who gave it.

import { connect as connectHttp2, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { type Dial, tlsOptions } from './dial.ts';

const ANSWER_TIMEOUT_MS = 5000;
/** The gateway's own answers are a line. */
const KEPT_BYTES = 64;

export interface Answer {
  readonly status: number;
  /** With the trailers of a gRPC call. */
  readonly headers: IncomingHttpHeaders;
  /** Its beginning. */
  readonly body: string;
}

/** Why there is no answer: none within five seconds, or the peer has ended the request or the connection before one. */
export type NoAnswer = 'timeout' | 'reset';

export function ask(wanted: Dial, headers: OutgoingHttpHeaders): Promise<Answer | NoAnswer> {
  return new Promise((fulfil) => {
    const session = connectHttp2(`https://${headers[':authority']}`, {
      // As Envoy says as well. The error of a pushed stream that nobody listens to would end the process.
      settings: { enablePush: false },
      createConnection: () =>
        connectTls({ ...tlsOptions(wanted), host: wanted.ip, port: wanted.port, rejectUnauthorized: true }),
    });
    let got: IncomingHttpHeaders | undefined;
    let body = Buffer.alloc(0);
    const finishWithout = (why: NoAnswer): void => {
      clearTimeout(timer);
      session.destroy();
      const status = Number(got?.[':status']);
      fulfil(
        got === undefined || Number.isNaN(status)
          ? why
          : { status, headers: got, body: body.toString('latin1', 0, KEPT_BYTES) },
      );
    };
    const timer = setTimeout(() => finishWithout('timeout'), ANSWER_TIMEOUT_MS);
    const finish = (): void => finishWithout('reset');
    session.on('error', finish);
    session.on('close', finish);
    const stream = session.request(headers, { endStream: true });
    stream.on('response', (response) => {
      got = response;
    });
    stream.on('trailers', (trailers) => {
      got = { ...trailers, ...got };
    });
    stream.on('data', (data: Buffer) => {
      body = Buffer.concat([body, data]);
      // Of a stream that goes on, nothing more is needed.
      if (body.length > KEPT_BYTES) finish();
    });
    stream.on('error', finish);
    stream.on('end', finish);
    // A stream that is reset with CANCEL or NO_ERROR has no error.
    stream.on('close', finish);
  });
}
