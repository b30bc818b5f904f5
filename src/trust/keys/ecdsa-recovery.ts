// Computes the keys that can have made an ECDSA signature: at most four (SEC 1, 4.1.6).
// So the signer of a certificate is found among thousands of keys without trying them. node:crypto multiplies the points; only
// public numbers are computed here. A key found here is a candidate, which node:crypto verifies.
// Must not: decide that a signature is valid.

import { createECDH, createHash, ECDH } from 'node:crypto';

interface Curve {
  readonly name: string;
  readonly bytes: number;
  /** The field's prime, and the order of the group; both have the same number of bytes. */
  readonly prime: bigint;
  readonly order: bigint;
  /** The bytes before the point in the SubjectPublicKeyInfo of a key. */
  readonly prefix: Buffer;
}

const CURVES: readonly Curve[] = [
  {
    name: 'prime256v1',
    bytes: 32,
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    prefix: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  },
  {
    name: 'secp384r1',
    bytes: 48,
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    prefix: Buffer.from('3076301006072a8648ce3d020106052b81040022036200', 'hex'),
  },
  {
    name: 'secp521r1',
    bytes: 66,
    prime: 2n ** 521n - 1n,
    order: (2n ** 265n - 6n) * 2n ** 256n + 0x51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    prefix: Buffer.from('30819b301006072a8648ce3d020106052b8104002303818600', 'hex'),
  },
];

export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/** The SubjectPublicKeyInfo of every key under which the signature of these bytes is valid. */
export function recoverKeys(digest: string, bytes: Buffer, { r, s }: EcdsaSignature): readonly Buffer[] {
  const hash = createHash(digest).update(bytes).digest();
  return CURVES.flatMap((curve) => {
    if (r <= 0n || s <= 0n || r >= curve.order || s >= curve.order) return [];
    // A signature on a larger curve has numbers of that size, but for one in 2^64.
    const least = 1n << BigInt(8 * (curve.bytes - 11));
    if (r < least && s < least) return [];
    return recoverOn(curve, numberOf(hash, curve), r, s).map((point) => Buffer.concat([curve.prefix, point]));
  });
}

/** Q = (s·R − z·G) / r for each point R whose first coordinate is r, as a number below the order. */
function recoverOn(curve: Curve, z: bigint, r: bigint, s: bigint): readonly Buffer[] {
  const inverse = invert(r, curve.order);
  const ofR = mod(s * inverse, curve.order);
  const ofG = mod(-z * inverse, curve.order);
  return [r, r + curve.order].flatMap((x) => {
    if (x >= curve.prime) return [];
    const product = multiply(curve, x, ofR);
    if (product === undefined) return [];
    // The other point R with this coordinate is -R.
    const points = [product, { x: product.x, y: curve.prime - product.y }];
    if (ofG === 0n) return points.map((point) => encode(curve, point));
    const generator = multiplyGenerator(curve, ofG);
    return points.flatMap((point) => {
      const sum = add(curve, generator, point);
      return sum === undefined ? [] : [encode(curve, sum)];
    });
  });
}

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** The leftmost bits of the hash, as many as the order has. */
function numberOf(hash: Buffer, { order }: Curve): bigint {
  const bits = order.toString(2).length;
  const value = BigInt(`0x${hash.toString('hex')}`);
  const excess = hash.length * 8 - bits;
  return excess > 0 ? value >> BigInt(excess) : value;
}

/** Factor times a point with this first coordinate, up to its sign; undefined when no point has that coordinate. */
function multiply(curve: Curve, x: bigint, factor: bigint): Point | undefined {
  const ecdh = createECDH(curve.name);
  try {
    ecdh.setPrivateKey(bytesOf(factor, curve.bytes));
    const product = ecdh.computeSecret(compressed(curve, x));
    return decode(
      curve,
      ECDH.convertKey(compressed(curve, BigInt(`0x${product.toString('hex')}`)), curve.name) as Buffer,
    );
  } catch {
    return undefined;
  }
}

function multiplyGenerator(curve: Curve, factor: bigint): Point {
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(bytesOf(factor, curve.bytes));
  return decode(curve, ecdh.getPublicKey());
}

function add({ prime }: Curve, a: Point, b: Point): Point | undefined {
  const isSame = a.x === b.x && a.y === b.y;
  if (a.x === b.x && !isSame) return undefined;
  // The coefficient of the curve's equation is -3.
  const slope = isSame
    ? (3n * a.x * a.x - 3n) * invert(mod(2n * a.y, prime), prime)
    : (b.y - a.y) * invert(mod(b.x - a.x, prime), prime);
  const x = mod(slope * slope - a.x - b.x, prime);
  return { x, y: mod(slope * (a.x - x) - a.y, prime) };
}

function compressed({ bytes }: Curve, x: bigint): Buffer {
  return Buffer.concat([Buffer.of(2), bytesOf(x, bytes)]);
}

function encode({ bytes }: Curve, { x, y }: Point): Buffer {
  return Buffer.concat([Buffer.of(4), bytesOf(x, bytes), bytesOf(y, bytes)]);
}

function decode({ bytes }: Curve, point: Buffer): Point {
  const number = (from: number): bigint => BigInt(`0x${point.subarray(from, from + bytes).toString('hex')}`);
  return { x: number(1), y: number(1 + bytes) };
}

function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** The extended Euclidean algorithm; the modulus is prime and the value is not zero. */
function invert(value: bigint, modulus: bigint): bigint {
  let [a, b, u, v] = [value, modulus, 1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b] = [b - quotient * a, a];
    [u, v] = [v - quotient * u, u];
  }
  return mod(v, modulus);
}
