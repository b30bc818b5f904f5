// Certificates that are almost good: one CA as a tree of DER values, and every way to write one of them otherwise.
// Each variant is signed again by its own key, so that only the encoding is wrong.
// Must not: use the readers or writers of src/; a fault that both share would not be seen.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A value: its tag, and its content as bytes or as values. */
export interface Value {
  readonly tag: number;
  readonly content: Buffer | readonly Value[];
  /** Writes the value from its tag and content; DER unless a variant says otherwise. */
  readonly write?: (tag: number, content: Buffer) => Buffer;
}

export interface Variant {
  readonly name: string;
  readonly der: Buffer;
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(0x80 | digits.length), digits]);
}

const write = (tag: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);

export function encode({ tag, content, write: own = write }: Value): Buffer {
  return own(tag, Buffer.isBuffer(content) ? content : Buffer.concat(content.map(encode)));
}

const prim = (tag: number, ...bytes: readonly number[]): Value => ({ tag, content: Buffer.from(bytes) });
const text = (tag: number, value: string): Value => ({ tag, content: Buffer.from(value, 'latin1') });
const all = (tag: number, ...content: readonly Value[]): Value => ({ tag, content });
const seq = (...content: readonly Value[]): Value => all(0x30, ...content);
const hex = (tag: number, value: string): Value => ({ tag, content: Buffer.from(value, 'hex') });
/** OIDs by their content. */
const oid = (value: string): Value => hex(0x06, value);
const ECDSA_SHA256 = oid('2a8648ce3d040302');
const COMMON_NAME = oid('550403');
const name = (value: Value): Value => seq(all(0x31, seq(COMMON_NAME, value)));
const raw = (bytes: Buffer): Value => ({ tag: 0, content: bytes, write: (_, content) => content });
const TRUE = prim(0x01, 0xff);
const extension = (id: string, value: Value, critical?: Value): Value =>
  seq(oid(id), ...(critical ? [critical] : []), all(0x04, value));

export const TRUST_DOMAIN = 'peer.example';
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** The parts of a certificate; a variant replaces some. */
interface Parts {
  readonly version: readonly Value[];
  readonly serial: Value;
  readonly algorithm: Value;
  readonly issuer: Value;
  readonly notBefore: Value;
  readonly notAfter: Value;
  readonly subject: Value;
  readonly key: Value;
  readonly unique: readonly Value[];
  readonly extensions: readonly Value[];
  /** What stands in `[3]`; the extensions without it. */
  readonly wrapper: readonly Value[];
  readonly outerAlgorithm: Value;
  readonly signature: (bytes: Buffer) => Value;
  readonly signer: KeyObject;
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** The tree of our own key's info, so that its values vary as well. */
const KEY_INFO = seq(
  seq(oid('2a8648ce3d0201'), oid('2a8648ce3d030107')),
  all(0x03, raw(Buffer.concat([Buffer.of(0), spki(publicKey).subarray(-65)]))),
);
const BASIC = extension('551d13', seq(TRUE), TRUE);
const USAGE = extension('551d0f', prim(0x03, 1, 0x06), TRUE);
const KEY_ID = extension('551d0e', hex(0x04, '0102030405'));
const SPIFFE = extension('551d11', seq(text(0x86, `spiffe://${TRUST_DOMAIN}`)));
const EXTENSIONS = [BASIC, USAGE, KEY_ID, SPIFFE];

export const GOOD: Parts = {
  version: [all(0xa0, prim(0x02, 2))],
  serial: hex(0x02, '4a1b2c'),
  algorithm: seq(ECDSA_SHA256),
  issuer: name(text(0x0c, 'peer')),
  notBefore: text(0x17, '260101000000Z'),
  notAfter: text(0x17, '400101000000Z'),
  subject: name(text(0x0c, 'peer')),
  key: KEY_INFO,
  unique: [],
  extensions: EXTENSIONS,
  wrapper: [],
  outerAlgorithm: seq(ECDSA_SHA256),
  signature: (bytes) => ({ tag: 0x03, content: Buffer.concat([Buffer.of(0), bytes]) }),
  signer: privateKey,
};

/** The tree of a certificate whose signature is still to be made. */
function treeOf(parts: Parts): Value {
  const { extensions, wrapper, outerAlgorithm } = parts;
  const inside = wrapper.length > 0 ? wrapper : extensions.length > 0 ? [all(0xa3, seq(...extensions))] : [];
  const tbs = seq(
    ...parts.version,
    parts.serial,
    parts.algorithm,
    parts.issuer,
    seq(parts.notBefore, parts.notAfter),
    parts.subject,
    parts.key,
    ...parts.unique,
    ...inside,
  );
  return seq(tbs, outerAlgorithm, parts.signature(Buffer.alloc(70)));
}

/** Signs the first child and puts the signature where the third is, unless that is written in another way. */
function signed(tree: Value, { signer, signature }: Parts = GOOD): Buffer {
  const [tbs, algorithm, last] = tree.content as readonly Value[];
  if (tbs === undefined || algorithm === undefined || last === undefined) return encode(tree);
  const made = signature(sign('sha256', encode(tbs), signer));
  const third = last.write === undefined ? made : { ...made, write: last.write };
  return encode({ ...tree, content: [tbs, algorithm, third] });
}

export function certificate(changes: Partial<Parts> = {}): Buffer {
  const parts = { ...GOOD, ...changes };
  return signed(treeOf(parts), parts);
}

/** Ways to write any value that are BER at best. */
const ENCODINGS: Readonly<Record<string, Value['write']>> = {
  'a longer length': (tag, content) => {
    const length = lengthOf(content.length);
    const longer = length.length === 1 ? Buffer.of(0x81, length[0] ?? 0) : Buffer.of(0x83, 0, ...pad(content.length));
    return Buffer.concat([Buffer.of(tag), longer, content]);
  },
  'a length of five bytes': (tag, content) =>
    Buffer.concat([Buffer.of(tag, 0x85, 0, 0, 0, ...pad(content.length)), content]),
  'an indefinite length': (tag, content) => Buffer.concat([Buffer.of(tag | 0x20, 0x80), content, Buffer.alloc(2)]),
  'a tag in the long form': (tag, content) =>
    Buffer.concat([Buffer.of(tag | 0x1f, tag & 0x1f), lengthOf(content.length), content]),
  'the other constructed bit': (tag, content) => write(tag ^ 0x20, content),
  'another class': (tag, content) => write(tag ^ 0x40, content),
  'a further byte inside': (tag, content) => write(tag, Buffer.concat([content, Buffer.of(0)])),
  'no content': (tag) => write(tag, Buffer.alloc(0)),
};

function pad(length: number): readonly number[] {
  return [length >> 8, length & 0xff];
}

/** Every value of the certificate in every encoding, by its path. */
export function systematicVariants(): readonly Variant[] {
  return variantsOf(treeOf(GOOD));
}

function variantsOf(tree: Value, below: readonly number[] = []): readonly Variant[] {
  const paths = pathsOf(tree).filter((path) => below.every((step, index) => path[index] === step));
  return paths.flatMap((path) =>
    Object.entries(ENCODINGS).map(([what, own]) => ({
      name: `${path.join('.') || 'the certificate'} with ${what}`,
      der: signed(replaced(tree, path, (value) => ({ ...value, ...(own && { write: own }) }))),
    })),
  );
}

function pathsOf(value: Value, path: readonly number[] = []): readonly (readonly number[])[] {
  // What stands for bytes is no value of its own.
  if (value.tag === 0) return [];
  const inner = Buffer.isBuffer(value.content) ? [] : (value.content as readonly Value[]);
  return [path, ...inner.flatMap((one, index) => pathsOf(one, [...path, index]))];
}

function replaced(value: Value, [first, ...rest]: readonly number[], change: (value: Value) => Value): Value {
  if (first === undefined) return change(value);
  const inner = value.content as readonly Value[];
  return { ...value, content: inner.map((one, index) => (index === first ? replaced(one, rest, change) : one)) };
}

const parameter = (value: Value): Partial<Parts> => ({
  algorithm: seq(ECDSA_SHA256, value),
  outerAlgorithm: seq(ECDSA_SHA256, value),
});
const instead = (of: Value, by: Value): readonly Value[] => EXTENSIONS.map((one) => (one === of ? by : one));
const subject = (...attributes: readonly Value[]): Partial<Parts> => ({ subject: seq(all(0x31, ...attributes)) });
const called = (tag: number, bytes: string): Partial<Parts> => subject(seq(COMMON_NAME, hex(tag, bytes)));
const until = (tag: number, value: string): Partial<Parts> => ({ notAfter: text(tag, value) });
const from = (tag: number, value: string): Partial<Parts> => ({ notBefore: text(tag, value) });
const named = (...names: readonly Value[]): Partial<Parts> => ({
  extensions: instead(SPIFFE, extension('551d11', seq(...names))),
});
const usage = (...bytes: readonly number[]): Partial<Parts> => ({
  extensions: instead(USAGE, extension('551d0f', prim(0x03, ...bytes), TRUE)),
});
const basic = (...values: readonly Value[]): Partial<Parts> => ({
  extensions: instead(BASIC, extension('551d13', seq(...values), TRUE)),
});
const further = (...values: readonly Value[]): Partial<Parts> => ({ extensions: [...EXTENSIONS, ...values] });
const PRIVATE = '2b0601040182371502';
const point = spki(publicKey).subarray(-65);
const compressed = Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33)]);
const keyOf = (algorithm: readonly Value[], bits: Buffer, unused = 0): Partial<Parts> => ({
  key: seq(seq(...algorithm), { tag: 0x03, content: Buffer.concat([Buffer.of(unused), bits]) }),
});
const EC = oid('2a8648ce3d0201');
const P256 = oid('2a8648ce3d030107');
/** P-256 by its numbers instead of its name. */
const EXPLICIT = seq(
  prim(0x02, 1),
  seq(oid('2a8648ce3d0101'), hex(0x02, '00ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')),
  seq(
    hex(0x04, 'ffffffff00000001000000000000000000000000fffffffffffffffffffffffc'),
    hex(0x04, '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b'),
  ),
  hex(
    0x04,
    '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  ),
  hex(0x02, '00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  prim(0x02, 1),
);

/** What one part of a certificate can say otherwise. */
export const PARTS: Readonly<Record<string, Partial<Parts>>> = {
  'the good one': {},
  'no version': { version: [] },
  'version 1, written': { version: [all(0xa0, prim(0x02, 0))] },
  'version 2': { version: [all(0xa0, prim(0x02, 1))] },
  'version 4': { version: [all(0xa0, prim(0x02, 3))] },
  'version -1': { version: [all(0xa0, prim(0x02, 0xff))] },
  'version 3 in two bytes': { version: [all(0xa0, prim(0x02, 0, 2))] },
  'version 3 without its context': { version: [prim(0x02, 2)] },
  'version 3 and a second value': { version: [all(0xa0, prim(0x02, 2), prim(0x02, 2))] },
  'no version and no extensions': { version: [], extensions: [] },
  'serial 0': { serial: prim(0x02, 0) },
  'serial -1': { serial: prim(0x02, 0xff) },
  'serial with a zero in front': { serial: prim(0x02, 0, 0x12) },
  'serial with 0xff in front': { serial: prim(0x02, 0xff, 0x92) },
  'serial of 20 bytes': { serial: hex(0x02, `7f${'ab'.repeat(19)}`) },
  'serial of 21 bytes': { serial: hex(0x02, `00${'ab'.repeat(20)}`) },
  'serial of 60 bytes': { serial: hex(0x02, `7f${'ab'.repeat(59)}`) },
  'serial without content': { serial: prim(0x02) },
  'serial as an OCTET STRING': { serial: prim(0x04, 1) },
  'another algorithm outside': { outerAlgorithm: seq(oid('2a8648ce3d040303')) },
  'another algorithm inside': { algorithm: seq(oid('2a8648ce3d040303')) },
  'a NULL behind the algorithm, on both sides': {
    algorithm: seq(ECDSA_SHA256, prim(0x05)),
    outerAlgorithm: seq(ECDSA_SHA256, prim(0x05)),
  },
  'a NULL behind the algorithm outside': { outerAlgorithm: seq(ECDSA_SHA256, prim(0x05)) },
  'an algorithm with two parameters': {
    algorithm: seq(ECDSA_SHA256, prim(0x05), prim(0x05)),
    outerAlgorithm: seq(ECDSA_SHA256, prim(0x05), prim(0x05)),
  },
  'an algorithm with a UTCTime': parameter(text(0x17, 'no moment atZ')),
  'an algorithm with a GeneralizedTime': parameter(text(0x18, 'never')),
  'an algorithm with a good UTCTime': parameter(text(0x17, '400101000000Z')),
  'an algorithm with a time with offset': parameter(text(0x17, '400101000000+0000')),
  'an algorithm with a UTF8String with U+FFFE': parameter(hex(0x0c, 'efbfbe')),
  'an algorithm with a BMPString with U+FFFE': parameter(hex(0x1e, 'fffe')),
  'an algorithm with a NumericString with letters': parameter(text(0x12, 'ab')),
  'an algorithm with a PrintableString with @': parameter(text(0x13, '@')),
  'an algorithm with an empty SEQUENCE': parameter(seq()),
  'an algorithm with an empty SET': parameter(all(0x31)),
  'an algorithm with a BOOLEAN': parameter(TRUE),
  'an algorithm with an INTEGER': parameter(prim(0x02, 0x80)),
  'an algorithm with a huge INTEGER': parameter(hex(0x02, '7f'.repeat(9000))),
  'an algorithm with a BIT STRING': parameter(prim(0x03, 0)),
  'an algorithm with an OCTET STRING': parameter(prim(0x04)),
  'an algorithm with an OID': parameter(oid('550403')),
  'an algorithm with a huge OID': parameter(oid(`55${'ff'.repeat(300)}7f`)),
  'an algorithm with a context tag': parameter(prim(0x80)),
  'an algorithm with a context tag, constructed': parameter(all(0xa0)),
  'an algorithm with an application tag': parameter(prim(0x40, 1)),
  'an algorithm with an application SEQUENCE': parameter(all(0x70)),
  'an algorithm with a private tag': parameter(prim(0xc0, 1)),
  'an algorithm with the context tag 30': parameter(prim(0x9e, 1)),
  'an algorithm with deep SEQUENCEs': parameter(Array.from({ length: 20 }).reduce<Value>((v) => seq(v), seq())),
  'an algorithm with an IA5String': parameter(hex(0x16, '00')),
  'an algorithm with a T61String': parameter(hex(0x14, 'ff')),
  'an algorithm with a VisibleString': parameter(hex(0x1a, '70')),
  'an algorithm with a UniversalString': parameter(hex(0x1c, '0000fffe')),
  'an algorithm that is a huge OID': {
    algorithm: seq(oid(`55${'ff'.repeat(300)}7f`)),
    outerAlgorithm: seq(oid(`55${'ff'.repeat(300)}7f`)),
  },
  'an issuer with U+FFFE': { issuer: name(hex(0x0c, 'efbfbe')) },
  'a huge name': called(0x0c, '61'.repeat(200000)),
  'many attributes': {
    subject: seq(...Array.from({ length: 5000 }, () => all(0x31, seq(COMMON_NAME, text(0x0c, 'a'))))),
  },
  'the same attribute twice in a set': subject(seq(COMMON_NAME, text(0x0c, 'a')), seq(COMMON_NAME, text(0x0c, 'a'))),
  'many extensions': further(
    ...Array.from({ length: 500 }, (_, i) =>
      extension(
        `2b06010401823715${((i >> 7) | 0x80).toString(16)}${(i & 0x7f).toString(16).padStart(2, '0')}`,
        prim(0x05),
      ),
    ),
  ),
  'an extension with a huge OID': further(extension(`55${'ff'.repeat(300)}7f`, prim(0x05))),
  'an extension of one zero OID': further(extension('00', prim(0x05))),
  'a serial of 21 bytes that begins with 1': { serial: hex(0x02, `01${'ab'.repeat(20)}`) },
  'an end in year 9999 month 12': until(0x18, '99991231235960Z'),
  'a begin after its end': from(0x17, '260101000001Z'),
  'an end at the begin of time': from(0x18, '00010101000000Z'),
  'a begin in 1949': from(0x18, '19491231235959Z'),
  'a signature without bits': { signature: () => ({ tag: 0x03, content: Buffer.of(0) }) },
  'a directory name in names, U+FFFE': named(
    text(0x86, `spiffe://${TRUST_DOMAIN}`),
    all(0xa4, name(hex(0x0c, 'efbfbe'))),
  ),
  'a URI with U+FF': named(text(0x86, `spiffe://${TRUST_DOMAIN}`), text(0x86, '\xff')),
  'a URI with NUL': named(text(0x86, `spiffe://${TRUST_DOMAIN}`), text(0x86, 'a\0b')),
  'an algorithm nobody knows': { algorithm: seq(oid('2a0304')), outerAlgorithm: seq(oid('2a0304')) },
  'an algorithm without content': { algorithm: seq(), outerAlgorithm: seq() },
  'a signature with an unused bit': {
    signature: (bytes) => ({ tag: 0x03, content: Buffer.concat([Buffer.of(1), bytes.subarray(0, -1), Buffer.of(0)]) }),
  },
  'a signature with eight unused bits': {
    signature: (bytes) => ({ tag: 0x03, content: Buffer.concat([Buffer.of(8), bytes]) }),
  },
  'a signature as an OCTET STRING': { signature: (bytes) => ({ tag: 0x04, content: bytes }) },
  'a signature of zeros': { signature: (bytes) => ({ tag: 0x03, content: Buffer.alloc(bytes.length) }) },
  'an end without seconds': until(0x17, '4001010000Z'),
  'an end with an offset': until(0x17, '400101000000+0000'),
  'an end without Z': until(0x17, '400101000000'),
  'an end in lower case': until(0x17, '400101000000z'),
  'an end with a space': until(0x17, '4001010000 0Z'),
  'an end with a fraction': until(0x17, '400101000000.5Z'),
  'an end in month 13': until(0x17, '401301000000Z'),
  'an end in month 0': until(0x17, '400001000000Z'),
  'an end on 30 February': until(0x17, '400230000000Z'),
  'an end on 29 February of a leap year': until(0x17, '400229000000Z'),
  'an end on 29 February of another year': until(0x17, '410229000000Z'),
  'an end on day 0': until(0x17, '400100000000Z'),
  'an end at hour 24': until(0x17, '400101240000Z'),
  'an end at minute 60': until(0x17, '400101006000Z'),
  'an end at second 60': until(0x17, '400101000060Z'),
  'an end of letters': until(0x17, 'no moment atZ'),
  'an end as text': until(0x0c, '400101000000Z'),
  'an empty end': until(0x17, ''),
  'a GeneralizedTime': until(0x18, '20600101000000Z'),
  'a GeneralizedTime before 2050': until(0x18, '20400101000000Z'),
  'a GeneralizedTime with a fraction': until(0x18, '20600101000000.5Z'),
  'a GeneralizedTime without Z': until(0x18, '20600101000000'),
  'a GeneralizedTime with an offset': until(0x18, '20600101000000+0100'),
  'a GeneralizedTime without seconds': until(0x18, '206001010000Z'),
  'a GeneralizedTime in month 13': until(0x18, '20601301000000Z'),
  'a GeneralizedTime with two digits of a year': until(0x18, '600101000000Z'),
  'no end at all: 99991231235959Z': until(0x18, '99991231235959Z'),
  'a UTCTime with four digits of a year': until(0x17, '20400101000000Z'),
  'a begin in year 0': from(0x18, '00000101000000Z'),
  'a begin in 1950': from(0x17, '500101000000Z'),
  'a begin without seconds': from(0x17, '2601010000Z'),
  'a begin on 31 April': from(0x17, '260431000000Z'),
  'an empty subject': { subject: seq() },
  'an empty issuer': { issuer: seq() },
  'a subject with an empty set': { subject: seq(all(0x31)) },
  'an issuer with an empty set': { issuer: seq(all(0x31)) },
  'a subject that is a set': { subject: all(0x31) },
  'an attribute without a value': subject(seq(COMMON_NAME)),
  'an attribute with two values': subject(seq(COMMON_NAME, text(0x0c, 'a'), text(0x0c, 'b'))),
  'an attribute whose type is no OID': subject(seq(text(0x0c, 'a'), text(0x0c, 'b'))),
  'attributes in order': subject(seq(oid('550403'), text(0x0c, 'a')), seq(oid('55040a'), text(0x0c, 'b'))),
  'attributes out of order': subject(seq(oid('55040a'), text(0x0c, 'b')), seq(oid('550403'), text(0x0c, 'a'))),
  'a UTF8String': called(0x0c, 'c3a9'),
  'a UTF8String that is not UTF-8': called(0x0c, 'ff'),
  'a UTF8String with an overlong byte': called(0x0c, 'c080'),
  'a UTF8String with a surrogate': called(0x0c, 'eda080'),
  'a UTF8String beyond Unicode': called(0x0c, 'f4908080'),
  'a UTF8String with U+FFFE': called(0x0c, '70efbfbe'),
  'a UTF8String with U+FFFF': called(0x0c, 'efbfbf70'),
  'a UTF8String with U+FFFD': called(0x0c, 'efbfbd'),
  'a UTF8String with U+FDD0': called(0x0c, 'efb790'),
  'a UTF8String with U+FDEF': called(0x0c, 'efb7af'),
  'a UTF8String with U+FDF0': called(0x0c, 'efb7b0'),
  'a UTF8String with U+1FFFE': called(0x0c, 'f09fbfbe'),
  'a UTF8String with U+10FFFF': called(0x0c, 'f48fbfbf'),
  'a UTF8String with U+0000': called(0x0c, '700070'),
  'a UTF8String with a byte order mark': called(0x0c, 'efbbbf70'),
  'a PrintableString': called(0x13, '70656572'),
  'a PrintableString with @': called(0x13, '4070'),
  'a PrintableString with é': called(0x13, 'e9'),
  'a NumericString': called(0x12, '3132'),
  'a NumericString with letters': called(0x12, '6162'),
  'an IA5String': called(0x16, '7065'),
  'an IA5String with é': called(0x16, 'e9'),
  'a T61String': called(0x14, '7065'),
  'a T61String with é': called(0x14, 'e9'),
  'a VisibleString': called(0x1a, '7065'),
  'a GeneralString': called(0x1b, '7065'),
  'a GraphicString': called(0x19, '7065'),
  'a VideotexString': called(0x15, '7065'),
  'a BMPString': called(0x1e, '00700065'),
  'a BMPString of odd length': called(0x1e, '007000'),
  'a BMPString with a surrogate': called(0x1e, 'd800dc00'),
  'a BMPString with U+FFFE': called(0x1e, 'fffe'),
  'a BMPString with U+FDD0': called(0x1e, 'fdd0'),
  'a BMPString with U+FDF0': called(0x1e, 'fdf0'),
  'a UniversalString': called(0x1c, '00000070'),
  'a UniversalString of odd length': called(0x1c, '000070'),
  'a UniversalString beyond Unicode': called(0x1c, '00110000'),
  'a UniversalString with U+1FFFF': called(0x1c, '0001ffff'),
  'a UniversalString with a surrogate': called(0x1c, '0000d800'),
  'a string without content': called(0x0c, ''),
  'an INTEGER as a name': called(0x02, '01'),
  'a BIT STRING as a name': called(0x03, '0001'),
  'an OCTET STRING as a name': called(0x04, '01'),
  'a BOOLEAN as a name': called(0x01, 'ff'),
  'a NULL as a name': called(0x05, ''),
  'a time as a name': called(0x17, '3430303130313030303030305a'),
  'an ENUMERATED as a name': called(0x0a, '01'),
  'a REAL as a name': called(0x09, '00'),
  'a context tag as a name': called(0x80, '70'),
  'a SEQUENCE as a name': subject(seq(COMMON_NAME, seq(text(0x0c, 'a')))),
  'an unknown tag as a name': called(0x1d, '70'),
  'an OID without content': subject(seq(oid(''), text(0x0c, 'a'))),
  'an OID with a padded number': subject(seq(oid('55048003'), text(0x0c, 'a'))),
  'an OID that is cut off': subject(seq(oid('550483'), text(0x0c, 'a'))),
  'an OID of one large number': subject(seq(oid(`55${'ff'.repeat(12)}7f`), text(0x0c, 'a'))),
  'a key with an unused bit': keyOf([EC, P256], Buffer.concat([point.subarray(0, -1), Buffer.of(0)]), 1),
  'a key on no curve': keyOf([EC], point),
  'a key on a curve by its numbers': keyOf([EC, EXPLICIT], point),
  'a key on the curve NULL': keyOf([EC, prim(0x05)], point),
  'a key as a compressed point': keyOf([EC, P256], compressed),
  'a key as a hybrid point': keyOf(
    [EC, P256],
    Buffer.concat([Buffer.of(6 + ((point.at(-1) ?? 0) & 1)), point.subarray(1)]),
  ),
  'a key that is no point': keyOf(
    [EC, P256],
    Buffer.concat([point.subarray(0, -1), Buffer.of((point.at(-1) ?? 0) ^ 1)]),
  ),
  'a key with a byte behind': keyOf([EC, P256], Buffer.concat([point, Buffer.of(0)])),
  'a key without content': keyOf([EC, P256], Buffer.alloc(0)),
  'a key of an unknown kind': keyOf([oid('2a0304')], point),
  'an issuer unique id': { unique: [prim(0x81, 0, 1)] },
  'a subject unique id': { unique: [prim(0x82, 0, 1)] },
  'unique ids out of order': { unique: [prim(0x82, 0, 1), prim(0x81, 0, 1)] },
  'an unknown part': { unique: [prim(0x84, 0)] },
  'something behind the extensions': { wrapper: [all(0xa3, seq(...EXTENSIONS)), prim(0x05)] },
  'extensions twice': { wrapper: [all(0xa3, seq(...EXTENSIONS)), all(0xa3, seq(...EXTENSIONS))] },
  'an empty list of extensions': { wrapper: [all(0xa3, seq())] },
  'an empty place for extensions': { wrapper: [all(0xa3)] },
  'two lists of extensions': { wrapper: [all(0xa3, seq(...EXTENSIONS), seq(KEY_ID))] },
  'extensions as a set': { wrapper: [all(0xa3, all(0x31, ...EXTENSIONS))] },
  'an extension twice': further(KEY_ID),
  'an unknown extension twice': further(extension(PRIVATE, prim(0x05)), extension(PRIVATE, prim(0x05))),
  'an extension that is not critical, written': {
    extensions: instead(KEY_ID, extension('551d0e', hex(0x04, '01'), prim(0x01, 0))),
  },
  'an extension that is critical by 1': {
    extensions: instead(USAGE, extension('551d0f', prim(0x03, 1, 6), prim(1, 1))),
  },
  'an extension that is critical by two bytes': {
    extensions: instead(USAGE, extension('551d0f', prim(0x03, 1, 6), prim(1, 255, 255))),
  },
  'an extension with a flag that is no BOOLEAN': {
    extensions: instead(USAGE, extension('551d0f', prim(0x03, 1, 6), prim(2, 1))),
  },
  'an extension without a value': further(seq(oid(PRIVATE))),
  'an extension with two values': further(seq(oid(PRIVATE), prim(0x04, 1), prim(0x04, 1))),
  'an extension with a value that is no OCTET STRING': further(seq(oid(PRIVATE), prim(0x03, 0))),
  'a private extension': further(extension(PRIVATE, seq(prim(0x05)))),
  'a private extension that holds no ASN.1': further(seq(oid(PRIVATE), text(0x04, '\xff\xffhello'))),
  'a private extension that holds nothing': further(seq(oid(PRIVATE), prim(0x04))),
  'a critical private extension': further(extension(PRIVATE, prim(0x05), TRUE)),
  'a key usage with unused bits that are set': usage(1, 0x07),
  'a key usage with zeros at its end': usage(0, 0x06),
  'a key usage with a zero byte at its end': usage(0, 0x06, 0),
  'a key usage without bits': usage(0),
  'a key usage without content': usage(),
  'a key usage with nine unused bits': usage(9, 0x06),
  'a key usage that is no BIT STRING': {
    extensions: instead(USAGE, extension('551d0f', prim(0x04, 1, 6), TRUE)),
  },
  'a key usage with a byte behind': {
    extensions: instead(USAGE, seq(oid('551d0f'), TRUE, hex(0x04, '0302010600'))),
  },
  'a path length': basic(TRUE, prim(0x02, 1)),
  'a path length of -1': basic(TRUE, prim(0x02, 0xff)),
  'a path length with a zero in front': basic(TRUE, prim(0x02, 0, 1)),
  'a path length of nine bytes': basic(TRUE, hex(0x02, '7f'.repeat(9))),
  'a path length that is text': basic(TRUE, text(0x0c, '1')),
  'a CA by BOOLEAN 1': basic(prim(0x01, 1)),
  'a CA by INTEGER': basic(prim(0x02, 1)),
  'a CA and more': basic(TRUE, prim(0x02, 1), prim(0x05)),
  'no CA, written': basic(prim(0x01, 0)),
  'a path length without a CA': basic(prim(0x02, 1)),
  'no key usage': { extensions: [BASIC, KEY_ID, SPIFFE] },
  'no key id': { extensions: [BASIC, USAGE, SPIFFE] },
  'a key id without content': { extensions: instead(KEY_ID, extension('551d0e', prim(0x04))) },
  'a key id that is no OCTET STRING': { extensions: instead(KEY_ID, extension('551d0e', prim(0x03, 0, 1))) },
  'an authority key id': further(extension('551d23', seq(hex(0x80, '0102030405')))),
  'an authority key id of another key': further(extension('551d23', seq(hex(0x80, '09')))),
  'an authority key id that is empty': further(extension('551d23', seq())),
  'an authority key id with an unknown part': further(extension('551d23', seq(prim(0x83, 1)))),
  'an authority key id out of order': further(extension('551d23', seq(prim(0x82, 1), prim(0x80, 1)))),
  'an authority key id that is text': further(extension('551d23', text(0x0c, 'a'))),
  'an extended key usage': further(extension('551d25', seq(oid('2b06010505070301')))),
  'an extended key usage without any': further(extension('551d25', seq())),
  'an extended key usage that is text': further(extension('551d25', seq(text(0x0c, 'a')))),
  'a name as otherName': named(
    text(0x86, `spiffe://${TRUST_DOMAIN}`),
    all(0xa0, oid('2a03'), all(0xa0, text(0x0c, 'a'))),
  ),
  'a name as otherName without a value': named(all(0xa0, oid('2a03'))),
  'a name of every kind of text': named(text(0x81, 'a@b'), text(0x82, 'a.b'), text(0x86, 'urn:a')),
  'a name that is not ASCII': named(hex(0x82, 'e9')),
  'a name that is constructed': named(all(0xa6, text(0x16, 'a:b'))),
  'an address of four bytes': named(hex(0x87, '7f000001')),
  'an address of five bytes': named(hex(0x87, '7f00000101')),
  'an address without bytes': named(hex(0x87, '')),
  'a directory name': named(all(0xa4, name(text(0x0c, 'a')))),
  'a directory name with an empty set': named(all(0xa4, seq(all(0x31)))),
  'a registered id': named(hex(0x88, '2a03')),
  'a registered id without content': named(hex(0x88, '')),
  'a name of an unknown kind': named(hex(0x89, '61')),
  'no names': named(),
  'names that are text': { extensions: instead(SPIFFE, extension('551d11', text(0x0c, 'a'))) },
  'permitted names': further(extension('551d1e', seq(all(0xa0, seq(text(0x82, 'a.b')))), TRUE)),
  'permitted names that are empty': further(extension('551d1e', seq(), TRUE)),
};

/** The value of an extension that only chains are judged by, in every encoding; the first one is good. */
export function policyVariants(): readonly Variant[] {
  const cps = seq(oid('2b06010505070201'), text(0x16, 'http://a/'));
  const notice = seq(oid('2b06010505070202'), seq(seq(text(0x0c, 'a'), seq(prim(0x02, 1))), text(0x1a, 'b')));
  const policies = extension('551d20', seq(seq(oid('2a0304')), seq(oid('2a0305'), seq(cps, notice))));
  const parts = { ...GOOD, extensions: [...EXTENSIONS, policies] };
  const value = [0, 7, 0, EXTENSIONS.length, 1, 0];
  return [{ name: 'policies', der: certificate(parts) }, ...variantsOf(treeOf(parts), value)];
}

/** Bytes around the certificate, or others in its place. */
export function outerVariants(): readonly Variant[] {
  const good = certificate();
  return [
    { name: 'a byte behind the certificate', der: Buffer.concat([good, Buffer.of(0)]) },
    { name: 'two certificates', der: Buffer.concat([good, good]) },
    { name: 'a certificate that is cut off', der: good.subarray(0, -1) },
    { name: 'nothing', der: Buffer.alloc(0) },
    { name: 'a public key', der: spki(publicKey) },
  ];
}

export function variants(): readonly Variant[] {
  const parts = Object.entries(PARTS).map(([what, changes]) => ({ name: what, der: certificate(changes) }));
  return [...parts, ...outerVariants(), ...systematicVariants()];
}
