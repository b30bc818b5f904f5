// The openssl command as an oracle: it makes certificates that our code did not build, and judges those that it did build.
// A test says what a certificate holds in lines of OpenSSL's configuration, and gets files in a temporary folder.
// Must not: share code with src/; an oracle that is the same code agrees with every mistake.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyKind = keyof typeof KEYS;

const ec = (namedCurve: string) => () => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number) => () => generateKeyPairSync('rsa', { modulusLength }).privateKey;

/** Made by node:crypto, which is OpenSSL without a process for each key. */
const KEYS = {
  p256: ec('prime256v1'),
  p384: ec('secp384r1'),
  p521: ec('secp521r1'),
  secp256k1: ec('secp256k1'),
  brainpool: ec('brainpoolP256r1'),
  p224: ec('secp224r1'),
  rsa1024: rsa(1024),
  rsa2047: rsa(2047),
  rsa2048: rsa(2048),
  rsaPss: () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  ed448: () => generateKeyPairSync('ed448').privateKey,
} as const satisfies Record<string, () => KeyObject>;

/**
 * A moment at which every certificate is valid that the command makes while the tests run: it knows no clock but the
 * machine's, and a certificate is valid for 35 days from when it was made unless a test says otherwise.
 */
export const WHILE_VALID = Math.floor(Date.now() / 1000) * 1000 + 60 * 60 * 1000;

/** A certificate and its key. */
export interface Made {
  readonly pem: string;
  readonly der: Buffer;
  readonly certificateFile: string;
  readonly keyPem: string;
  readonly keyFile: string;
}

export interface Wanted {
  /** A kind of new key, or the file of one that is there. */
  readonly key?: KeyKind | { readonly keyFile: string };
  readonly commonName?: string;
  /** Lines of the section of extensions, and the sections that they refer to. */
  readonly extensions: readonly string[];
  readonly sections?: readonly string[];
  /** Self-signed without. */
  readonly signer?: Made;
  readonly days?: number;
  readonly digest?: string;
  /** OpenSSL's string_mask: which string type the names get. */
  readonly stringMask?: string;
}

export const CA_EXTENSIONS: readonly string[] = [
  'basicConstraints = critical,CA:TRUE',
  'keyUsage = critical,keyCertSign,cRLSign',
];
export const LEAF_EXTENSIONS: readonly string[] = [
  'basicConstraints = critical,CA:FALSE',
  'keyUsage = critical,digitalSignature',
  'extendedKeyUsage = serverAuth,clientAuth',
];

export class Openssl {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-openssl-'));
  private readonly kept = new Map<KeyKind, string>();
  private count = 0;

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether it says yes: its exit status. */
  ask(...args: readonly string[]): boolean {
    return this.call(args).status === 0;
  }

  /** What it prints. Errors: it failed. */
  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.call(args);
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  private call(args: readonly string[]): SpawnSyncReturns<string> {
    const called = spawnSync('openssl', args, { encoding: 'utf8', cwd: this.folder });
    if (called.error) throw called.error;
    return called;
  }

  file(content: string | Buffer, suffix = 'pem'): string {
    this.count += 1;
    const path = join(this.folder, `${this.count}.${suffix}`);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  newKey(kind: KeyKind): string {
    return this.file(KEYS[kind]().export({ type: 'pkcs8', format: 'pem' }));
  }

  /** One RSA key of each size for all: they take long to make, and no test needs two. */
  private keyFile(kind: KeyKind): string {
    const known = this.kept.get(kind);
    if (known !== undefined) return known;
    const path = this.newKey(kind);
    if (kind.startsWith('rsa')) this.kept.set(kind, path);
    return path;
  }

  certificate(wanted: Wanted): Made {
    const { key = 'p256', commonName = 'made by openssl', signer, days = 35, digest, stringMask = 'utf8only' } = wanted;
    const config = [
      '[req]\ndistinguished_name = name\nprompt = no',
      `string_mask = ${stringMask}\nutf8 = yes`,
      `[name]\nCN = ${commonName}`,
      `[extensions]\n${wanted.extensions.join('\n')}`,
      ...(wanted.sections ?? []),
    ];
    const keyFile = typeof key === 'string' ? this.keyFile(key) : key.keyFile;
    const certificateFile = this.file('');
    this.run(
      ...['req', '-x509', '-new', '-config', this.file(`${config.join('\n')}\n`, 'cnf'), '-extensions', 'extensions'],
      ...['-key', keyFile, '-days', String(days), '-out', certificateFile],
      ...(digest === undefined ? [] : [`-${digest}`]),
      ...(signer === undefined ? [] : ['-CA', signer.certificateFile, '-CAkey', signer.keyFile]),
    );
    return this.read(certificateFile, keyFile);
  }

  /** A CA as SPIFFE describes one. */
  ca(trustDomain: string, wanted: Partial<Wanted> = {}): Made {
    const extensions = [...CA_EXTENSIONS, `subjectAltName = URI:spiffe://${trustDomain}`];
    return this.certificate({ commonName: `CA of ${trustDomain}`, extensions, ...wanted });
  }

  private read(certificateFile: string, keyFile: string): Made {
    const pem = readFileSync(certificateFile, 'utf8');
    const body = pem.replace(/-----[^\n]*-----|\s/g, '');
    const keyPem = readFileSync(keyFile, 'utf8');
    return { pem, der: Buffer.from(body, 'base64'), certificateFile, keyPem, keyFile };
  }
}
