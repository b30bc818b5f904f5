// Clients of TCP in the flip tests: connections that are opened, asked something, and held; and what an edit may do to them.
// Must not: know where a connection ought to lead; the test judges by what arrived.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import type { HostPort } from '../../../src/host-port.ts';
import type { Choice } from './flip-configs.ts';
import { allowed, groundOf } from './flip-oracle.ts';
import type { Asked } from './flip-values.ts';

/** How long an open connection may outlive its ground: the five seconds of docs/configuration.md, and a busy machine. */
export const OUTLIVES_MS = 10_000;
/** An answer that takes longer never comes. */
const SILENCE_MS = 5000;

export interface Dialled {
  readonly to: HostPort;
  /** Absent: without TLS. */
  readonly tls?: { readonly servername: string; readonly client: Credentials; readonly alpn: readonly string[] };
}

/** One connection. It never rejects: what is not answered has ended. */
export class TcpClient {
  private readonly socket: Socket;
  private heard = '';
  private wake: () => void = () => undefined;

  constructor({ to, tls }: Dialled) {
    this.socket =
      tls === undefined
        ? connect(to)
        : connectTls({
            ...to,
            ...tls.client,
            servername: tls.servername,
            rejectUnauthorized: false,
            ...(tls.alpn.length > 0 && { ALPNProtocols: [...tls.alpn] }),
          });
    this.socket.on('error', () => undefined).on('close', () => this.wake());
    this.socket.on('data', (data: Buffer) => {
      this.heard += data.toString('latin1');
      this.wake();
    });
    this.socket.on('end', () => this.socket.destroy());
  }

  /** Whether this is answered on the connection. */
  ask(id: string): Promise<boolean> {
    const wanted = `ok ${id}\n`;
    return new Promise((done) => {
      const end = (isAnswered: boolean): void => {
        clearTimeout(timer);
        this.wake = () => undefined;
        done(isAnswered);
      };
      const timer = setTimeout(() => end(false), SILENCE_MS);
      this.wake = () => {
        if (this.heard.endsWith(wanted)) end(true);
        else if (this.socket.destroyed) end(false);
      };
      this.heard = '';
      this.socket.write(`ask ${id}\n`);
      this.wake();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Whether one of the edits between these configurations lets a connection end: something that it rests on changed, or was gone. */
export function mayEnd(choices: readonly Choice[], asked: Asked): boolean {
  const grounds = choices.map((choice) => groundOf(choice, asked));
  return grounds.some((ground, index) => {
    const before = grounds[index - 1];
    if (before === undefined) return false;
    return before.key !== ground.key || before.roots.some((root) => !ground.roots.includes(root));
  });
}

/** The first of the configurations from which on none allows what is connected; undefined: the newest does. */
export function forbiddenSince(choices: readonly Choice[], asked: Asked, at: string): number | undefined {
  const last = choices.findLastIndex((choice) => allowed(choice, asked).includes(at));
  return last === choices.length - 1 ? undefined : last + 1;
}
