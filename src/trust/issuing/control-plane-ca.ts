// I/O: opens or creates the CA of the control channel in the state folder, and issues the certificates of the xDS server and
// of gateways. It is not the federation's CA: no peer's trust reaches the xDS port.
// Must not: overwrite a CA, use a key or a folder that others can reach, trust a second certificate, or use half a state.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { exposure, type KeyAccess } from '../../config/files/key-access.ts';
import { ownUser } from '../../config/files/regular-file.ts';
import { PosternError, systemReason } from '../../errors.ts';
import { type SpiffeId, spiffeId, type TrustDomain } from '../spiffe.ts';
import { sha256 } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';
import { createCa, type Issued, issueLeaf } from './issue.ts';
import { type Issuer, parseIssuer } from './issuer.ts';
import { makeFolder } from './make-folder.ts';

const DAY = 24 * 60 * 60;
const CERTIFICATE = 'control-plane-ca.pem';
const KEY = 'control-plane-ca-key.pem';
/** The record of what `run` has served, which lies beside the CA: a folder that has it and no CA has lost the CA. */
export const SERVED_RECORD = 'served.json';

export interface ControlPlaneCa {
  readonly certificatePem: string;
  readonly issuer: Issuer;
  readonly trustDomain: TrustDomain;
  /** Created by this call: gateways with a certificate of an earlier CA cannot connect. */
  readonly made: boolean;
}

export interface StateOptions {
  /** Whether the group of the folder and of the key may use them. */
  readonly groupKeys?: boolean;
  /** Fail when there is no CA, instead of creating one. */
  readonly required?: boolean;
}

/** The SPIFFE ID that a gateway expects of the server that it dials. */
export function controlPlaneId(trustDomain: TrustDomain): SpiffeId {
  return spiffeId(trustDomain, 'control-plane');
}

/** Errors: STATE_UNUSABLE, with what to do. */
export function openControlPlaneCa(
  folder: string,
  trustDomain: TrustDomain,
  now: number,
  { groupKeys = false, required = false }: StateOptions = {},
): ControlPlaneCa {
  const paths = { certificate: join(folder, CERTIFICATE), key: join(folder, KEY) };
  const access: KeyAccess = { groupAllowed: groupKeys, user: ownUser() };
  if (required && !existsSync(paths.certificate) && !existsSync(paths.key))
    throw unusable(
      `${folder} holds no control-plane CA, and one is required`,
      'restore the folder or mount it; without --require-state (POSTERN_REQUIRE_STATE) a new CA is made, and every gateway needs a new certificate',
    );
  if (existsSync(join(folder, SERVED_RECORD)) && !existsSync(paths.certificate) && !existsSync(paths.key))
    throw unusable(
      `${folder} has lost its control-plane CA, with which gateways were served`,
      `restore ${CERTIFICATE} and ${KEY}; or move ${SERVED_RECORD} away to have a new CA made, and give every gateway a new certificate`,
    );
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw unusable(
      `cannot make the state folder ${folder}: ${systemReason(error)}`,
      'choose a folder that Postern may write with --state',
      error,
    );
  }
  const made =
    !existsSync(paths.certificate) && !existsSync(paths.key) && writeCa(folder, paths, trustDomain, now, access);
  requirePrivate(folder, statSync(folder), access);
  if (!existsSync(paths.key) || !waitForFile(paths.certificate))
    throw unusable(
      `${folder} holds half of a control-plane CA: ${existsSync(paths.key) ? CERTIFICATE : KEY} is missing`,
      `restore ${CERTIFICATE} and ${KEY} together, or move both away`,
    );
  return { ...readCa(paths, trustDomain, now, access), made };
}

/** When two processes start at once, the key is there for a moment without its certificate. */
function waitForFile(path: string): boolean {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 50 && !existsSync(path); tries += 1) Atomics.wait(clock, 0, 0, 20);
  return existsSync(path);
}

/** Whether a state folder still holds the CA that was opened: certificate and key. */
export type CaOnDisk = 'same' | 'missing' | 'other';

/** The files of the CA. */
export function caFiles(folder: string): readonly string[] {
  return [join(folder, CERTIFICATE), join(folder, KEY)];
}

export function caOnDisk(folder: string, ca: ControlPlaneCa): CaOnDisk {
  if (!caFiles(folder).every((path) => existsSync(path))) return 'missing';
  try {
    const { blocks = [] } = readPem(readFileSync(join(folder, CERTIFICATE), 'latin1'));
    return blocks.some(({ body }) => sha256(body) === ca.issuer.certificate.fingerprint) ? 'same' : 'other';
  } catch {
    return 'missing';
  }
}

/** The certificate of the xDS server: valid 30 days; the serving process renews it. */
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

/** The client certificate of a gateway for the xDS server: valid 90 days. */
export function issueGatewayCertificate(ca: ControlPlaneCa, id: SpiffeId, now: number): Issued {
  return issueLeaf({ issuer: ca.issuer, id, now, lifetimeSeconds: 90 * DAY });
}

function writeCa(
  folder: string,
  paths: { readonly certificate: string; readonly key: string },
  trustDomain: TrustDomain,
  now: number,
  access: KeyAccess,
): boolean {
  const ca = createCa({ commonName: 'Postern control plane', trustDomain, now, lifetimeSeconds: 10 * 365 * DAY });
  try {
    restrict(folder, access);
    // The key first, and only where there is none: of two processes that start at once, one makes the CA for both.
    writeFileSync(paths.key, ca.privateKey.reveal(), { mode: 0o600, flag: 'wx' });
    writeAtomically(paths.certificate, ca.certificate, 0o644);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unusable(
      `cannot write the control-plane CA to ${folder}: ${systemReason(error)}`,
      'choose a folder that Postern may write with --state',
      error,
    );
  }
}

function readCa(
  paths: { readonly certificate: string; readonly key: string },
  trustDomain: TrustDomain,
  now: number,
  access: KeyAccess,
): Omit<ControlPlaneCa, 'made'> {
  const certificates = readState(paths.certificate);
  const { blocks, fault } = readPem(certificates.toString('latin1'));
  const restore = 'restore it from a backup, or move it and its key away to have new ones made';
  if (fault !== undefined) throw unusable(`${paths.certificate} ${fault}`, restore);
  if (blocks.length === 0) throw unusable(`${paths.certificate} is an empty file`, restore);
  // The holder of the key of a second certificate in this file could pose as any gateway.
  if (blocks.length > 1)
    throw unusable(`${paths.certificate} holds ${blocks.length} PEM blocks`, 'leave only the CA certificate in it');
  const { issuer, findings } = parseIssuer(certificates, readState(paths.key, access), trustDomain, now);
  if (issuer === undefined) {
    throw unusable(
      `the control-plane CA cannot be used: ${findings.map(({ message }) => message).join('; ')}`,
      `move ${paths.certificate} and its key away to have new ones made; gateways then need new certificates`,
    );
  }
  return { certificatePem: issuer.certificate.pem, issuer, trustDomain };
}

/** With `access` the file holds a key: the permissions that count are those of the open file, which is then read. */
function readState(path: string, access?: KeyAccess): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    if (access !== undefined) requirePrivate(path, fstatSync(file), access);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof PosternError) throw error;
    throw unusable(`${path} cannot be read: ${systemReason(error)}`, 'make it a file that Postern may read', error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function requirePrivate(
  path: string,
  { mode, uid }: { readonly mode: number; readonly uid: number },
  access: KeyAccess,
): void {
  const exposed = exposure({ mode, owner: uid }, access, path);
  if (exposed !== undefined) throw unusable(`${path} is not Postern's alone: ${exposed.who}`, exposed.remedy);
}

/** Removes permissions that the rule does not allow, before a key is written. `requirePrivate` refuses a folder of root's later. */
function restrict(folder: string, { groupAllowed, user }: KeyAccess): void {
  const { mode, uid } = statSync(folder);
  if (uid === user) chmodSync(folder, groupAllowed ? (mode & 0o2770) | 0o700 : 0o700);
}

/** A reader sees the old content or the new one, never a part. */
export function writeAtomically(path: string, content: string, mode: number): void {
  // A name that cannot be guessed, and a file that must not exist yet.
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

function unusable(what: string, remedy: string, cause?: unknown): PosternError {
  return new PosternError('STATE_UNUSABLE', `${what}; ${remedy}`, { cause });
}
