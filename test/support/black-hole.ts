// An address that takes no connection and refuses none: what is sent to it is lost, as behind a firewall that drops packets.
// Must not: accept a connection, or end one that was begun.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';

/** Listens, and then stops the only thread that could accept. Linux drops each SYN once the queue of a socket is full. */
const LISTEN = `
const { parentPort, workerData } = require('node:worker_threads');
require('node:net').createServer().listen({ ...workerData, backlog: 1 }, () => {
  parentPort.postMessage('listening');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
/** What a queue of one has room for. */
const QUEUED = 2;

export class BlackHole {
  readonly address: HostPort;
  private readonly worker: Worker;
  private readonly queued: readonly Socket[];

  private constructor(address: HostPort, worker: Worker, queued: readonly Socket[]) {
    this.address = address;
    this.worker = worker;
    this.queued = queued;
  }

  static async open(address: HostPort): Promise<BlackHole> {
    const worker = new Worker(LISTEN, { eval: true, workerData: address });
    await once(worker, 'message');
    const queued = Array.from({ length: QUEUED }, () => connect(address).on('error', () => undefined));
    await Promise.all(queued.map((socket) => once(socket, 'connect')));
    return new BlackHole(address, worker, queued);
  }

  get text(): string {
    return formatHostPort(this.address);
  }

  async close(): Promise<void> {
    for (const socket of this.queued) socket.destroy();
    await this.worker.terminate();
  }
}
