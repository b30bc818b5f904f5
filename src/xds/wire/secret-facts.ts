// The facts that the server needs about a secret: whether it is a certificate, whether it names files, and how to spell it in other
// bytes. Envoy compares a secret with the last one that it was sent, even if it rejected that one, and acknowledges the same
// bytes without reading them; so a secret that has to be read again is sent in other bytes.
// Must not: change what a secret means, or keep or show its content.

import { memoizeByIdentity } from '../../memoize.ts';
import { bytesField, stringField } from '../../snapshot/protobuf.ts';
import { anyBody, type Resource, respelledAs } from '../../snapshot/resource.ts';
import { TYPE } from '../../snapshot/resource-types.ts';
import { Fields } from './proto-reader.ts';

/** Of Secret: the field of each kind, and in it the field of the PEM, and of the folder that is watched. */
const CERTIFICATE = { field: 2, pem: 1, watched: 7 } as const;
const KINDS = [CERTIFICATE, { field: 4, pem: 1, watched: 11 }] as const;
/** Of DataSource. */
const FILENAME = 1;
const INLINE_STRING = 3;

interface Reading {
  readonly kind: (typeof KINDS)[number];
  readonly isFile: boolean;
  readonly pem: string | undefined;
  readonly folder: string | undefined;
}

interface Traits {
  readonly isCertificate: boolean;
  readonly isFile: boolean;
}

const NO_TRAITS: Traits = { isCertificate: false, isFile: false };

/**
 * The resource in other bytes; itself when there is no other spelling. Without `mark`, the same for the same resource; with
 * it, bytes that are as unlikely to have been sent before as the mark is, which is 8 hexadecimal digits.
 */
export function respelled(resource: Resource, mark?: string): Resource {
  return mark === undefined ? respelledOnce(resource) : respell(resource, mark);
}

const respelledOnce = memoizeByIdentity((resource: Resource) => respell(resource, ''));

/** Whether the gateway reads the content from files on its own disk. */
export function namesFiles(resource: Resource): boolean {
  return traitsOf(resource).isFile;
}

/** Whether it is a certificate with its key, and not what peers are verified by. */
export function isCertificate(resource: Resource): boolean {
  return traitsOf(resource).isCertificate;
}

const traitsOf = memoizeByIdentity((resource: Resource): Traits => {
  if (resource.typeUrl !== TYPE.secret) return NO_TRAITS;
  const reading = readSecret(anyBody(resource));
  return { isCertificate: reading?.kind === CERTIFICATE, isFile: reading?.isFile === true };
});

/** Bytes appended to a message are merged into it: a repeated string replaces the first. */
function respell(resource: Resource, mark: string): Resource {
  if (resource.typeUrl !== TYPE.secret) return resource;
  const body = anyBody(resource);
  const reading = readSecret(body);
  const more = reading && (reading.isFile ? otherFolder(reading, mark) : otherPem(reading, mark));
  return more === undefined ? resource : respelledAs(resource, Buffer.concat([body, more]));
}

/** One more line at the end of the PEM; text outside its blocks has no meaning. */
function otherPem({ kind, pem }: Reading, mark: string): Buffer | undefined {
  if (pem === undefined) return undefined;
  return bytesField(kind.field, bytesField(kind.pem, stringField(INLINE_STRING, `${pem}\n${mark}`)));
}

/** The same folder by another path. */
function otherFolder({ kind, folder }: Reading, mark: string): Buffer | undefined {
  if (folder === undefined) return undefined;
  return bytesField(kind.field, bytesField(kind.watched, stringField(1, `${folder}/.${pathOf(mark)}`)));
}

/** A path to the folder where it begins: each bit of the mark is a slash more or less. */
function pathOf(mark: string): string {
  return [...mark].map((digit) => FOUR_BITS[Number.parseInt(digit, 16)] ?? '').join('');
}

const FOUR_BITS = Array.from({ length: 16 }, (_, digit) =>
  [8, 4, 2, 1].map((bit) => ((digit & bit) === 0 ? '/.' : '//.')).join(''),
);

function readSecret(body: Buffer): Reading | undefined {
  try {
    return parseSecret(body);
  } catch {
    // Not a valid secret.
    return undefined;
  }
}

function parseSecret(body: Buffer): Reading | undefined {
  const secret = new Fields(body);
  while (secret.next()) {
    const kind = KINDS.find(({ field }) => field === secret.field);
    if (kind === undefined) continue;
    const reading = {
      kind,
      isFile: false,
      pem: undefined as string | undefined,
      folder: undefined as string | undefined,
    };
    const content = new Fields(secret.bytes());
    while (content.next()) {
      if (content.field === kind.watched) reading.folder = textOf(content.bytes(), 1);
      if (content.field !== kind.pem) continue;
      reading.isFile = textOf(content.bytes(), FILENAME) !== undefined;
      reading.pem = textOf(content.bytes(), INLINE_STRING);
    }
    return reading;
  }
  return undefined;
}

function textOf(message: Buffer, field: number): string | undefined {
  const fields = new Fields(message);
  while (fields.next()) if (fields.field === field) return fields.text();
  return undefined;
}
