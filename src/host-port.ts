// Hosts and ports as an operator writes them.
// Must not: look anything up.

import { isIP } from 'node:net';

/** A host (an IP literal without brackets, or a DNS name) and a TCP port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_HOST_NAME = 253;
const MAX_PORT = 65535;

/** One label of a host name: lower-case ASCII letters, digits and inner hyphens, at most 63. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** A DNS name; not an IP literal, and nothing that a resolver could read as one. */
export function isHostName(text: string): boolean {
  const labels = text.split('.');
  return text.length <= MAX_HOST_NAME && labels.every(isLabel) && !isNumeric(labels.at(-1));
}

/** An IPv4 or IPv6 literal; without a zone (`%eth0`), which means something on one machine only. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= MAX_PORT;
}

const DIALLED_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** A name that is dialled, not one of a contract: DNS itself takes an underscore (`_grpc._tcp.bank`), so it is taken here. */
function isDialledName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= MAX_HOST_NAME && labels.every((label) => DIALLED_LABEL.test(label)) && !isNumeric(labels.at(-1))
  );
}

/** inet_aton reads 127.1 and 127.0x1 as addresses. */
function isNumeric(label = ''): boolean {
  return /^(?:\d+|0x[\da-f]*)$/.test(label);
}

export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, bare, digits] = match;
  const port = Number(digits);
  if (!isPort(port) || String(port) !== digits) return undefined;
  if (bracketed !== undefined)
    return bracketed.includes(':') && isIpAddress(bracketed) ? { host: bracketed, port } : undefined;
  if (bare === undefined) return undefined;
  if (isIP(bare) === 4) return { host: bare, port };
  // A final dot only says that the name is whole, which every name here is.
  const host = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  return isDialledName(host) ? { host, port } : undefined;
}

/** Says that the port is too high, in the place of a message that names the form alone; empty where it is not. */
export function tooHighPort(text: string): string {
  return Number(/:(\d+)$/.exec(text)?.[1]) > MAX_PORT ? `: its port is above ${MAX_PORT}` : '';
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
