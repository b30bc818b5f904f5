// Free addresses on loopback, and the examples' ports moved out of the way where something else holds them.
// In: addresses, texts of configurations. Out: what is free. Must not: hold a port.

import { createServer } from 'node:net';
import type { HostPort } from '../../src/config/host-port.ts';

/** Whether this process could listen there now. */
export function isFree({ host, port }: HostPort): Promise<boolean> {
  return new Promise((fulfil) => {
    const server = createServer();
    server.once('error', () => fulfil(false));
    server.listen(port, host, () => server.close(() => fulfil(true)));
  });
}

/** The system gives a port again as soon as it is closed; whoever asked first may not have opened it yet. */
const given = new Set<string>();

/** Some free ports of an address, all different, and none that this process was given before. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((fulfil, reject) => {
        server.once('error', reject);
        server.listen(0, host, () => fulfil(server));
      });
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  const fresh = ports.filter((port) => !given.has(`${host}:${port}`));
  for (const port of fresh) given.add(`${host}:${port}`);
  return fresh.length === count ? fresh : [...fresh, ...(await freePorts(host, count - fresh.length))];
}

/** A port of the examples: one of the bank's 11xxx, the shop's 12xxx, the partner's 13xxx. */
const EXAMPLE_PORT = /\b1[123]\d{3}\b/g;

/** Far enough that no two meshes meet, and below the ports that the system gives to outgoing connections. */
const SHIFTS = [0, 3000, 6000, 9000, 12000, 15000, 18000];

/** The first shift by which all of `ports` are free on loopback. Errors: none of them is. */
export async function freeShift(ports: readonly number[]): Promise<number> {
  for (const shift of SHIFTS) {
    const free = await Promise.all(
      [...new Set(ports)].map((port) => isFree({ host: '127.0.0.1', port: port + shift })),
    );
    if (free.every(Boolean)) return shift;
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
