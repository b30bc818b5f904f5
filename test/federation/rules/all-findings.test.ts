// All findings of one file come at once: a value that is wrong hides no rule of other objects, and brings no finding that only
// follows from it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../../src/config/parse.ts';
import { type Finding, hasErrors, type Path } from '../../../src/errors.ts';
import { findingsOf } from '../../../src/federation/resolve/resolve.ts';
import { randomOf } from '../../config/mutations/mutation.ts';
import { changed, FILES, NOW, namelessCa, YAML } from '../two-peers.ts';

type Data = Record<string, unknown>;

/** A change of one place, and what it concerns. */
interface Fault {
  readonly title: string;
  readonly apply: (root: Data) => void;
  /** Objects of the file that it changes, or relates to each other. */
  readonly concerns: readonly Path[];
}

const BYTES = new Map(
  Object.entries({ ...FILES, 'common.pem': namelessCa().certificate }).map(([name, content]) => [
    name,
    Buffer.from(content),
  ]),
);

function check(text: string): {
  readonly ofParsing: readonly string[];
  readonly all: readonly string[];
  readonly wrong: boolean;
} {
  const { config, outline = config, findings } = parseConfig(text);
  const later = outline === undefined ? [] : findingsOf({ config: outline, files: BYTES, now: NOW });
  const name = ({ code, path }: Finding): string => `${code} at ${path.join('.')}`;
  return { ofParsing: findings.map(name), all: [...findings, ...later].map(name), wrong: hasErrors(findings) };
}

function withFaults(...faults: readonly Fault[]): string {
  const root = parse(YAML) as Data;
  for (const { apply } of faults) apply(root);
  return stringify(root);
}

function isRecord(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(path: Path): unknown {
  return path.reduce((value, step) => (value as Record<string | number, unknown>)[step], parse(YAML) as unknown);
}

function parentOf(root: unknown, path: Path): Record<string | number, unknown> {
  return path.slice(0, -1).reduce((value, step) => (value as Data)[step] ?? {}, root) as Record<
    string | number,
    unknown
  >;
}

function setAt(path: Path, value: unknown): (root: Data) => void {
  return (root) => {
    const [parent, last = ''] = [parentOf(root, path), path.at(-1)];
    if (value === undefined) delete parent[last];
    // A copy: of one object in two places, the text would have an alias.
    else parent[last] = structuredClone(value);
  };
}

/** The key of a path written otherwise, in its place among the others. */
function rename(path: Path, key: string): (root: Data) => void {
  return (root) => {
    const parent = parentOf(root, path);
    for (const [name, value] of Object.entries(parent)) {
      delete parent[name];
      parent[name === path.at(-1) ? key : name] = value;
    }
  };
}

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Object.entries(value).flatMap(([key, member]) =>
    pathsOf(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? members : [path, ...members];
}

const BROKEN: readonly unknown[] = [null, {}, [], 7, true, 'Not valid!', { strange: 1 }, ['Not valid!'], undefined];

/** Every value of the file in every way that is wrong by itself, and every key mistyped. */
const SHAPE_FAULTS: readonly Fault[] = pathsOf(parse(YAML))
  .flatMap((path) => {
    // Without its keys a map is not wrong by itself: what was there is not there any more.
    const isMap = isRecord(valueAt(path));
    const values = BROKEN.filter((value) => !isMap || !isRecord(value)).map((value) => ({
      title: `${path.join('.')}: ${JSON.stringify(value)}`,
      apply: setAt(path, value),
      concerns: [path],
    }));
    const key = path.at(-1);
    if (typeof key !== 'string') return values;
    const mistyped = `${key.toUpperCase()}_`;
    return [...values, { title: `${path.join('.')} as ${mistyped}`, apply: rename(path, mistyped), concerns: [path] }];
  })
  .filter((fault) => check(withFaults(fault)).wrong);

const SECOND_CONSUMER: Path = ['exports', 0, 'consumers', 1];
/** Each brings a finding that needs more than one object, a file, or the time. */
const RELATION_FAULTS: readonly (Fault & { readonly code: string })[] = [
  {
    code: 'UNKNOWN_PEER',
    apply: setAt([...SECOND_CONSUMER, 'peer'], 'nobody'),
    concerns: [SECOND_CONSUMER],
  },
  { code: 'UNKNOWN_PEER', apply: setAt(['imports', 1, 'peer'], 'nobody'), concerns: [['imports', 1]] },
  {
    code: 'TRUST_DOMAIN_OURS',
    apply: setAt(['peers', 'bank', 'trustDomain'], 'core.example'),
    concerns: [['peers', 'bank'], ['mesh']],
  },
  {
    code: 'TRUST_DOMAIN_TAKEN',
    apply: setAt(['peers', 'bank', 'trustDomain'], 'shop.example'),
    concerns: [
      ['peers', 'bank'],
      ['peers', 'shop'],
    ],
  },
  {
    code: 'EXPORT_TAKEN',
    apply: setAt(['exports', 1, 'name'], 'orders'),
    concerns: [
      ['exports', 0, 'name'],
      ['exports', 1, 'name'],
    ],
  },
  {
    code: 'CONSUMER_TAKEN',
    apply: setAt([...SECOND_CONSUMER, 'peer'], 'shop'),
    concerns: [['exports', 0, 'consumers', 0], SECOND_CONSUMER],
  },
  {
    code: 'LOCAL_NAME_TAKEN',
    apply: setAt(['imports', 1], { peer: 'bank', name: 'rates', as: 'carts.default', port: 8080 }),
    concerns: [['imports']],
  },
  {
    code: 'GATEWAY_MISSING',
    apply: setAt(['gateways', 'ingress'], undefined),
    concerns: [['gateways'], ['exports']],
  },
  {
    code: 'PEER_WITHOUT_ADDRESS',
    apply: setAt(['peers', 'bank', 'addresses'], undefined),
    concerns: [
      ['peers', 'bank'],
      ['imports', 1],
    ],
  },
  {
    code: 'IDENTITY_SHARED',
    apply: setAt(['gateways', 'egress', 'identity'], 'gateway/ingress'),
    concerns: [['gateways']],
  },
  {
    code: 'EGRESS_OPEN',
    apply: setAt(['gateways', 'egress', 'address'], '10.0.0.1'),
    concerns: [['gateways', 'egress']],
  },
  {
    code: 'GRANT_EXPIRED',
    apply: setAt([...SECOND_CONSUMER, 'expires'], '2020-01-01'),
    concerns: [['exports', 0, 'name'], SECOND_CONSUMER],
  },
  {
    code: 'CA_SHARED',
    apply: (root: Data) => {
      for (const peer of ['bank', 'shop']) setAt(['peers', peer, 'trustBundle'], 'common.pem')(root);
    },
    concerns: [
      ['peers', 'bank'],
      ['peers', 'shop'],
    ],
  },
  {
    code: 'BUNDLE_FOREIGN',
    apply: setAt(['peers', 'bank', 'trustBundle'], 'shop.pem'),
    concerns: [['peers', 'bank']],
  },
  {
    code: 'ISSUER_KEY_MISMATCH',
    apply: setAt(['identity', 'issuer', 'certificate'], 'shop.pem'),
    concerns: [['identity'], ['mesh']],
  },
].map((fault) => ({ ...fault, title: `${fault.code} by ${fault.concerns.map((path) => path.join('.')).join(', ')}` }));

/** Whether one of two faults may change what the other means. A key of a map concerns no other one's value. */
function touch(a: Fault, b: Fault): boolean {
  return a.concerns.some((left) =>
    b.concerns.some((right) =>
      Array.from({ length: Math.min(left.length, right.length) }).every((_, at) => left[at] === right[at]),
    ),
  );
}

/** UNKNOWN_PEER is about the list of peers, which is unknown when it is no map. */
function listsPeers({ concerns: [path = []] }: Fault): boolean {
  return path.length === 1 && path[0] === 'peers';
}

const alone = new Map<Fault, readonly string[]>();

function findingsAlone(fault: Fault): readonly string[] {
  const findings = alone.get(fault) ?? check(withFaults(fault)).all;
  alone.set(fault, findings);
  return findings;
}

function assertContains(a: Fault, b: Fault): void {
  const both = new Set(check(withFaults(a, b)).all);
  for (const fault of [a, b])
    for (const finding of findingsAlone(fault))
      assert.ok(both.has(finding), `${finding} is hidden: ${a.title}; ${b.title}\n${[...both].join('\n')}`);
}

describe('a single wrong value', () => {
  test('A single wrong value brings no finding about another object', () => {
    assert.ok(SHAPE_FAULTS.length > 300, String(SHAPE_FAULTS.length));
    for (const fault of SHAPE_FAULTS) {
      const { ofParsing, all } = check(withFaults(fault));
      assert.deepEqual(all, ofParsing, fault.title);
    }
  });

  test('A single wrong value that YAML itself refuses brings no finding about another object', () => {
    for (const [from, to] of [
      ['  shop:\n', '  shop: !x\n'],
      ['  shop:\n', '  Shop:\n'],
      ['  shop:\n', '  "!!!":\n'],
      ['  shop:\n', '  1:\n'],
      ['  shop:\n', '  __proto__:\n'],
      ['  bank:\n', '  shop:\n'],
      ['peers:\n', 'peers: &a\n'],
      ['trustDomain: shop.example', 'trustDomain: *a'],
      ['trustDomain: shop.example', 'trustDomain: yes'],
      ['    addresses: ["gw.shop', '    sni: a\n    sni: b\n    addresses: ["gw.shop'],
      ['imports:\n', 'exports: []\nimports:\n'],
      ['port: 80}', 'port: 0x50}'],
    ] as const) {
      const { ofParsing, all, wrong } = check(changed([from, to]));
      assert.ok(wrong, to);
      assert.deepEqual(all, ofParsing, to);
    }
  });
});

describe('a file with two faults', () => {
  test('A file with two faults about different objects has the findings of each, when both relate objects', () => {
    let pairs = 0;
    RELATION_FAULTS.forEach((fault, index) => {
      assert.ok(
        findingsAlone(fault).some((finding) => finding.startsWith(fault.code)),
        fault.title,
      );
      for (const other of RELATION_FAULTS.slice(index + 1)) {
        if (touch(fault, other)) continue;
        pairs += 1;
        assertContains(fault, other);
      }
    });
    assert.ok(pairs > 40, String(pairs));
  });

  for (const fault of RELATION_FAULTS) {
    test(`A file with two faults has ${fault.title} beside any wrong value of another object`, () => {
      const others = SHAPE_FAULTS.filter((other) => !touch(fault, other)).filter(
        (other) => fault.code !== 'UNKNOWN_PEER' || !listsPeers(other),
      );
      assert.ok(others.length > 20, String(others.length));
      // A part of them beside each: together, all come up.
      others.forEach((other, index) => {
        if (index % 11 === fault.title.length % 11) assertContains(fault, other);
      });
    });
  }

  test('A file with two faults about different objects has the findings of each, when both are wrong values', () => {
    const random = randomOf(14);
    const pick = (): Fault => SHAPE_FAULTS[Math.floor(random() * SHAPE_FAULTS.length)] as Fault;
    for (let pairs = 0; pairs < 300; ) {
      const [a, b] = [pick(), pick()];
      if (touch(a, b)) continue;
      pairs += 1;
      assertContains(a, b);
    }
  });
});
