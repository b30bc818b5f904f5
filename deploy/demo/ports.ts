// Finds free addresses on loopback, and moves the examples' ports where another process holds them.
// A port that was given out is claimed until this process ends, so that no other demo or test run is given it.
// Must not: listen where the port is to be used.

import { createServer } from 'node:net';
import type { HostPort } from '../../src/host-port.ts';

/** Whether this process could listen there now. */
export function isFree({ host, port }: HostPort): Promise<boolean> {
  return new Promise((fulfil) => {
    const server = createServer();
    server.once('error', () => fulfil(false));
    server.listen(port, host, () => server.close(() => fulfil(true)));
  });
}

/** Nothing is served at this address. Listening on a port of it tells other processes that the port is taken everywhere. */
const CLAIMS = '127.255.255.254';

/** Whether this process, and no other, may use the port from now on. The kernel drops the claim when the process ends. */
function claim(port: number): Promise<boolean> {
  return new Promise((fulfil) => {
    const server = createServer();
    server.once('error', () => fulfil(false));
    server.listen(port, CLAIMS, () => fulfil(true)).unref();
  });
}

/** Above the ports that Linux gives to outgoing connections and to listeners on port 0. */
const [FIRST_PORT, LAST_PORT] = [61_000, 65_535];
let candidate = FIRST_PORT + (process.pid % (LAST_PORT - FIRST_PORT));

/** Some free ports of an address, all different, and none that any process was given before that still runs. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > LAST_PORT - FIRST_PORT) throw new Error(`no ${count} ports of ${host} are free`);
    candidate = candidate === LAST_PORT ? FIRST_PORT : candidate + 1;
    const port = candidate;
    if ((await isFree({ host, port })) && (await claim(port))) ports.push(port);
  }
  return ports;
}

/** A port of the examples: one of the bank's 11xxx, the shop's 12xxx, the partner's 13xxx. */
const EXAMPLE_PORT = /\b1[123]\d{3}\b/g;

const FIRST_EXAMPLE_PORT = 11_000;

/** Far enough that no two meshes meet, and below the ports that the system gives to outgoing connections. */
const SHIFTS = [0, 3000, 6000, 9000, 12000, 15000, 18000];

/** The first shift by which all of `ports` are free on loopback and no other demo uses. Errors: there is none. */
export async function freeShift(ports: readonly number[]): Promise<number> {
  for (const shift of SHIFTS) {
    const free = await Promise.all(
      [...new Set(ports)].map((port) => isFree({ host: '127.0.0.1', port: port + shift })),
    );
    if (free.every(Boolean) && (await claim(FIRST_EXAMPLE_PORT + shift))) return shift;
  }
  throw new Error(
    `too many ports between 11000 and 31999 of 127.0.0.1 are taken; the demo needs ${ports.length} of them`,
  );
}

export function portsIn(text: string): readonly number[] {
  return [...new Set(text.match(EXAMPLE_PORT) ?? [])].map(Number);
}

/** The text with every example port moved. */
export function shiftPorts(text: string, shift: number): string {
  return text.replace(EXAMPLE_PORT, (port) => String(Number(port) + shift));
}
