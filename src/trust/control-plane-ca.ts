// I/O: the CA of the control channel, which is not the federation's: no peer's trust reaches the xDS port.
// In: a state folder. Out: the CA, opened or made; certificates for the server and for gateways.
// Must not: overwrite a CA, use a key that others can read, or go on with half a state.

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError } from '../errors.ts';
import { makeFolder } from './folder.ts';
import { createCa, type Issued, issueLeaf } from './issue.ts';
import { type Issuer, parseIssuer } from './issuer.ts';
import { type SpiffeId, spiffeId, type TrustDomain } from './spiffe.ts';

const DAY = 24 * 60 * 60;
const CERTIFICATE = 'control-plane-ca.pem';
const KEY = 'control-plane-ca-key.pem';

export interface ControlPlaneCa {
  readonly certificatePem: string;
  readonly issuer: Issuer;
  readonly trustDomain: TrustDomain;
}

/** The SPIFFE ID that a gateway expects of the server that it dials. */
export function controlPlaneId(trustDomain: TrustDomain): SpiffeId {
  return spiffeId(trustDomain, 'control-plane');
}

/** Errors: STATE_UNUSABLE with the cure. */
export function openControlPlaneCa(folder: string, trustDomain: TrustDomain, now: number): ControlPlaneCa {
  const paths = { certificate: join(folder, CERTIFICATE), key: join(folder, KEY) };
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw unusable(
      `cannot make the state folder ${folder}`,
      'set POSTERN_STATE to a folder that Postern may write',
      error,
    );
  }
  if (!existsSync(paths.certificate) && !existsSync(paths.key)) writeCa(folder, paths, trustDomain, now);
  if (!existsSync(paths.key) || !comesToExist(paths.certificate))
    throw unusable(
      `${folder} holds half of a control-plane CA`,
      `restore ${CERTIFICATE} and ${KEY} together, or move both away`,
    );
  return readCa(paths, trustDomain, now);
}

/** A key without its certificate is what another process leaves for a moment, when two start at once. */
function comesToExist(path: string): boolean {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 50 && !existsSync(path); tries += 1) Atomics.wait(clock, 0, 0, 20);
  return existsSync(path);
}

/** What the xDS server presents: valid 30 days, renewed by the process that serves. */
export function issueServerCertificate(ca: ControlPlaneCa, hosts: readonly string[], now: number): Issued {
  const addresses = hosts.filter((host) => /^\d+(\.\d+){3}$/.test(host));
  const names = hosts.filter((host) => !addresses.includes(host) && !host.includes(':'));
  return issueLeaf({
    issuer: ca.issuer,
    id: controlPlaneId(ca.trustDomain),
    dnsNames: [...new Set(['localhost', ...names])],
    ipAddresses: [...new Set(['127.0.0.1', ...addresses])],
    now,
    lifetimeSeconds: 30 * DAY,
  });
}

/** What a gateway dials the xDS server with: valid 90 days. */
export function issueGatewayCertificate(ca: ControlPlaneCa, id: SpiffeId, now: number): Issued {
  return issueLeaf({ issuer: ca.issuer, id, now, lifetimeSeconds: 90 * DAY });
}

function writeCa(
  folder: string,
  paths: { readonly certificate: string; readonly key: string },
  trustDomain: TrustDomain,
  now: number,
): void {
  const ca = createCa({ commonName: 'Postern control plane', trustDomain, now, lifetimeSeconds: 10 * 365 * DAY });
  try {
    chmodSync(folder, 0o700);
    // The key first, and only where there is none: of two processes that start at once, one makes the CA for both.
    writeFileSync(paths.key, ca.privateKey.reveal(), { mode: 0o600, flag: 'wx' });
    writeAtomically(paths.certificate, ca.certificate, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw unusable(
      `cannot write the control-plane CA to ${folder}`,
      'set POSTERN_STATE to a folder that Postern may write',
      error,
    );
  }
}

function readCa(
  paths: { readonly certificate: string; readonly key: string },
  trustDomain: TrustDomain,
  now: number,
): ControlPlaneCa {
  const mode = lstatSync(paths.key).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw unusable(`${paths.key} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${paths.key}`);
  const certificatePem = readState(paths.certificate);
  const { issuer, problems } = parseIssuer(certificatePem, readState(paths.key), trustDomain, now);
  if (issuer === undefined) {
    throw unusable(
      `the control-plane CA cannot be used: ${problems.map(({ message }) => message).join('; ')}`,
      `move ${paths.certificate} and its key away to have new ones made; gateways then need new certificates`,
    );
  }
  return { certificatePem: certificatePem.toString(), issuer, trustDomain };
}

function readState(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unusable(`${path} cannot be read`, 'make it a file that Postern may read', error);
  }
}

/** A reader sees the old content or the new one, never a part. */
export function writeAtomically(path: string, content: string, mode: number): void {
  // A name that nobody can know before, and a file that nobody made before.
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, content, { mode, flag: 'wx' });
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function unusable(what: string, cure: string, cause?: unknown): PosternError {
  return new PosternError('STATE_UNUSABLE', `${what}; ${cure}`, { cause });
}
