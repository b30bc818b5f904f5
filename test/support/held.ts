// A connection that stays open while a test changes things: its answers, and when and how it ended.
// Must not: reconnect.

import type { ClientHttp2Session } from 'node:http2';
import { type Answer, askOn, type Dial, dialGateway, type Request } from '../../deploy/demo/calls.ts';

export class Held {
  private readonly session: ClientHttp2Session;
  private over = false;
  private goaway = false;

  constructor(dial: Dial) {
    this.session = dialGateway(dial);
    this.session.on('error', () => undefined);
    this.session.on('goaway', () => {
      this.goaway = true;
    });
    this.session.on('close', () => {
      this.over = true;
    });
  }

  /** No GOAWAY and no end so far. */
  undisturbed(): boolean {
    return !this.over && !this.goaway;
  }

  closed(): boolean {
    return this.over;
  }

  ask(authority: string, asked: Request): Promise<Answer> {
    return askOn(this.session, 'https', authority, asked);
  }

  close(): void {
    this.session.destroy();
  }
}
