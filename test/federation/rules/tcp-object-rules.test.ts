// Rules across objects for TCP: each code with its place, and beside each a configuration that is close to it and fine.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectRules } from '../../../src/federation/rules/object-rules.ts';
import { changed, configOf, shown, YAML } from '../two-peers.ts';

type Change = readonly (readonly [string, string])[];

const RATES = '{peer: bank, name: rates, as: rates, port: 80}';
const imports = (...more: readonly string[]): Change => [[RATES, [RATES, ...more].join('\n- ')]];
const exported = (name: string, consumers: string): string =>
  `- {name: ${name}, protocol: tcp, backend: "10.0.0.1:1", consumers: [${consumers}]}`;
const exports = (...more: readonly string[]): Change => [['imports:', `${more.join('\n')}\nimports:`]];
const labels = (...lengths: readonly number[]): string => lengths.map((length) => 'a'.repeat(length)).join('.');
/** The longest name that an export may have. `<name>.tcp.<label>.peers.core.example` has 224 characters and the label. */
const LONGEST = labels(63, 63, 63, 8);
const LABEL = 'p'.repeat(29);
const SNI = (peer: 'shop' | 'bank', label: string): readonly [string, string] => [
  `trustBundle: ${peer}.pem`,
  `trustBundle: ${peer}.pem\n    sni: ${label}`,
];

const RULES: Readonly<Record<string, readonly (readonly [what: string, change: Change, finds?: readonly string[]])[]>> =
  {
    PORT_TAKEN: [
      [
        'a TCP import at the port of another TCP import',
        imports(
          '{peer: bank, name: db, as: db, port: 5432, protocol: tcp}',
          '{peer: shop, name: q, as: q, port: 5432, protocol: tcp}',
        ),
        ['PORT_TAKEN at imports.3.port: - {peer: shop, name: q, as: q, port: 5432, protocol: tcp}'],
      ],
      [
        'a TCP import at the port of an HTTP import, under the same name',
        imports('{peer: bank, name: db, as: rates, port: 80, protocol: tcp}'),
        ['PORT_TAKEN at imports.2.port: - {peer: bank, name: db, as: rates, port: 80, protocol: tcp}'],
      ],
      [
        'an HTTP import at the port of a TCP import',
        imports(
          '{peer: bank, name: db, as: db, port: 5432, protocol: tcp}',
          '{peer: bank, name: web, as: web, port: 5432}',
        ),
        ['PORT_TAKEN at imports.3.port: - {peer: bank, name: web, as: web, port: 5432}'],
      ],
      [
        'one export at two ports, and one local name at two ports',
        imports(
          '{peer: bank, name: db, as: db, port: 5432, protocol: tcp}',
          '{peer: bank, name: db, as: db, port: 5433, protocol: tcp}',
        ),
      ],
    ],
    PROTOCOL_CONFLICT: [
      [
        'one export imported as TCP and as HTTP',
        imports(
          '{peer: bank, name: db, as: db, port: 5432, protocol: tcp}',
          '{peer: bank, name: db, as: db, port: 81}',
        ),
        ['PROTOCOL_CONFLICT at imports.3.protocol: - {peer: bank, name: db, as: db, port: 81}'],
      ],
    ],
    EXPORT_TAKEN: [
      [
        'a TCP export with the name of an HTTP export',
        exports(exported('orders', '{peer: shop}')),
        [`EXPORT_TAKEN at exports.2.name: ${exported('orders', '{peer: shop}')}`],
      ],
    ],
    UNKNOWN_PEER: [
      [
        'a consumer that is no peer',
        exports(exported('db', '{peer: sho}')),
        [`UNKNOWN_PEER at exports.2.consumers.0.peer: ${exported('db', '{peer: sho}')}`],
      ],
    ],
    CONSUMER_TAKEN: [
      [
        'a consumer twice',
        exports(exported('db', '{peer: shop}, {peer: shop}')),
        [`CONSUMER_TAKEN at exports.2.consumers.1.peer: ${exported('db', '{peer: shop}, {peer: shop}')}`],
      ],
    ],
    NAME_TOO_LONG: [
      ['a TCP export with a long name', exports(exported(LONGEST, '{peer: shop}'))],
      ['the longest server name of a TCP export', [...exports(exported(LONGEST, '{peer: shop}')), SNI('shop', LABEL)]],
      [
        'a TCP export with a longer server name, for one of its consumers',
        [...exports(exported(LONGEST, '{peer: bank}, {peer: shop}')), SNI('shop', `${LABEL}p`)],
        [`NAME_TOO_LONG at exports.2.name: ${exported(LONGEST, '{peer: bank}, {peer: shop}')}`],
      ],
      [
        'the longest server name of a TCP import',
        [...imports(`{peer: shop, name: ${LONGEST}, as: db, port: 1, protocol: tcp}`), SNI('shop', LABEL)],
      ],
      [
        'a TCP import with a longer server name',
        [...imports(`{peer: shop, name: ${LONGEST}, as: db, port: 1, protocol: tcp}`), SNI('shop', `${LABEL}p`)],
        [`NAME_TOO_LONG at imports.2.name: - {peer: shop, name: ${LONGEST}, as: db, port: 1, protocol: tcp}`],
      ],
    ],
    SNI_TAKEN: [
      [
        'two TCP exports whose names and labels join to the same server name',
        [
          ...exports(exported('a', '{peer: shop}'), exported('a.tcp.b', '{peer: bank}')),
          ['trustDomain: shop.example', 'trustDomain: b.tcp.bank.example'],
        ],
        [`SNI_TAKEN at exports.3.name: ${exported('a.tcp.b', '{peer: bank}')}`],
      ],
      [
        'a TCP export whose server name is that of another peer’s requests',
        [...exports(exported('a', '{peer: bank}')), ['trustDomain: shop.example', 'trustDomain: a.tcp.bank.example']],
        [`SNI_TAKEN at exports.2.name: ${exported('a', '{peer: bank}')}`],
      ],
      [
        'the same names for the other peer',
        [
          ...exports(exported('a', '{peer: shop}, {peer: bank}'), exported('a.tcp.b', '{peer: shop}')),
          ['trustDomain: shop.example', 'trustDomain: b.tcp.bank.example'],
        ],
      ],
    ],
  };

describe('rules of TCP across objects', () => {
  for (const [code, rules] of Object.entries(RULES))
    for (const [what, change, finds = []] of rules)
      test(`${finds.length === 0 ? `There is no ${code} for` : `${code} is found for`} ${what}`, () => {
        const text = changed(...change);
        assert.deepEqual(shown(objectRules(configOf(text)), text), finds);
      });

  test('A configuration without TCP has no findings of it', () => {
    assert.deepEqual(objectRules(configOf(YAML)), []);
  });
});
