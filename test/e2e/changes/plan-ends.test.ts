// What a plan says of open connections is what happens: those that it names end, or are told to, and no other does.
// POSTERN_ENDS=all tries every edit (some unless it says so), POSTERN_ENDS=WORD those with that word in their titles.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ServedResources } from '../../../src/admin/resources-view.ts';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { COMMANDS } from '../../../src/cli/commands/command-list.ts';
import type { PlanReport } from '../../../src/cli/plan/plan-report.ts';
import { formatHostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import type { OpenConnection } from './open-connections.ts';
import { PlanEndsMesh } from './plan-ends-mesh.ts';

const CHOSEN = process.env['POSTERN_ENDS'];
type Edit = readonly [title: string, isUsual: boolean, (yaml: string) => string];

const replaced =
  (from: string | RegExp, to: string) =>
  (yaml: string): string =>
    yaml.replace(from, to);
const otherPort = (yaml: string): string => /^# other ports: (\d+)/.exec(yaml)?.[1] ?? '';
const otherBackend = (yaml: string): string => /other backend: (\S+)/.exec(yaml)?.[1] ?? '';
const P1 = /^ {2}p1: \{.*$/m;
const ofP1 = (from: string, to: string) => (yaml: string) => yaml.replace(P1, (line) => line.replace(from, to));

const EDITS: readonly Edit[] = [
  ['a peer is removed', true, (yaml) => yaml.replace(/^.*\bp2[: ,].*\n/gm, '').replace(/^ *- \{peer: p2\}\n/gm, '')],
  ['a grant of requests is removed', true, replaced('  - {peer: p1, methods: [GET, POST], paths: [/*]}\n', '')],
  ['methods are narrowed', false, replaced('{peer: p1, methods: [GET, POST]', '{peer: p1, methods: [GET]')],
  ['paths are narrowed', false, replaced('methods: [GET, POST], paths: [/*]', 'methods: [GET, POST], paths: [/none]')],
  ['workloads are asked for', false, replaced('paths: [/*]}', 'paths: [/*], workloads: [ns/a/sa/b]}')],
  ['a grant of TCP is removed', true, replaced('  - {peer: p1}\n  - {peer: p2}\n', '  - {peer: p2}\n')],
  ['an export of TCP is removed', false, replaced(/^- name: vault\n(?: .*\n)*/m, '')],
  [
    'an export is added',
    false,
    replaced('exports:\n', 'exports:\n- {name: new, protocol: tcp, backend: "10.0.0.1:80", consumers: [{peer: p1}]}\n'),
  ],
  [
    'another backend of TCP',
    true,
    (yaml) => yaml.replace(/(name: vault\n.*\n {2}backend: ")[^"]*/, `$1${otherBackend(yaml)}`),
  ],
  [
    'another backend of requests',
    false,
    (yaml) => yaml.replace(/(name: web\n.*\n {2}backend: ")[^"]*/, `$1${otherBackend(yaml)}`),
  ],
  ['a root is added', false, ofP1('p1.example/ca.pem', 'p1.example/both.pem')],
  ['a root is replaced', true, ofP1('pki/p1.example/ca.pem', 'pki/p1.example/new.pem')],
  [
    'identities are added',
    false,
    ofP1('[gateway/ingress, gateway/egress]', '[gateway/ingress, gateway/egress, gateway/two]'),
  ],
  ['identities are replaced', false, ofP1('[gateway/ingress, gateway/egress]', '[gateway/two]')],
  ['kinds of keys', false, ofP1('trustBundle:', 'leafKeys: [ecdsa], trustBundle:')],
  ['a server name', false, ofP1('trustBundle:', 'sni: other, trustBundle:')],
  ['trace context', false, ofP1('trustBundle:', 'traceContext: forward, trustBundle:')],
  ['a rate of a peer', false, ofP1('trustBundle:', 'limits: {requestsPerSecond: 100}, trustBundle:')],
  ['connections of a peer', false, ofP1('trustBundle:', 'limits: {connections: 50}, trustBundle:')],
  ['a limit of a consumer', false, replaced('{peer: p1, methods', '{peer: p1, limits: {requests: 9}, methods')],
  ['connections of a consumer', false, replaced('  - {peer: p1}\n', '  - {peer: p1, limits: {connections: 9}}\n')],
  ['a limit of an import', false, replaced('as: rates.test,', 'as: rates.test, limits: {requests: 9},')],
  ['an import is removed', true, replaced(/^- \{peer: p1, name: rates.*\n/m, '')],
  ['the only import of a port is removed', false, replaced(/^- \{peer: p1, name: quotes.*\n/m, '')],
  ['an import of TCP is removed', false, replaced(/^- \{peer: p2, name: queue.*\n/m, '')],
  ['an import has another name', false, replaced('as: rates.test', 'as: other.test')],
  ['an import stands for another export', false, replaced('name: rates,', 'name: other,')],
  ['an import of TCP stands for another export', false, replaced('name: db,', 'name: other,')],
  [
    'an import has another port',
    false,
    (yaml) => yaml.replace(/as: quotes.test, port: \d+/, `as: quotes.test, port: ${otherPort(yaml)}`),
  ],
  ['other clients', true, replaced(/(as: rates.test.*clients: )\[.*?\]/, '$1[ns/x/sa/y]')],
  ['other clients of TCP', false, replaced(/(as: db.test.*clients: )\[.*?\]/, '$1[ns/x/sa/y]')],
  ['more clients of TCP', false, replaced(/(as: db.test.*clients: \[)/, '$1ns/x/sa/y, ')],
  [
    'callers prove nothing',
    false,
    (yaml) => yaml.replace('clients: mtls', 'clients: plaintext').replaceAll(/, clients: \[ns[^\]]*\]/g, ''),
  ],
  ['a root of our own workloads is added', false, replaced('pki/workloads/ca.pem', 'pki/more/both.pem')],
  [
    'another issuer',
    false,
    (yaml) =>
      yaml.replace(
        'pki/bank.example/ca.pem, privateKey: pki/bank.example',
        'pki/other-issuer/ca.pem, privateKey: pki/other-issuer',
      ),
  ],
  [
    'the listener of peers moves',
    false,
    (yaml) => yaml.replace(/(ingress: \{address: ".*:)\d+/, `$1${otherPort(yaml)}`),
  ],
  ['time-outs', false, replaced('name: web\n', 'name: web\n  timeouts: {idle: 50s}\n')],
  ['upgrades', false, replaced('name: web\n', 'name: web\n  requestBodies: any-method\n')],
  ['headers with underscores', false, replaced('name: web\n', 'name: web\n  underscoreHeaders: drop\n')],
  ['another gateway to dial', false, (yaml) => ofP1('addresses: ["', `addresses: ["${otherBackend(yaml)}", "`)(yaml)],
  [
    'rules move',
    false,
    replaced(
      'methods: [GET, POST], paths: [/*]}',
      'allow: [{methods: [POST], paths: [/*]}, {methods: [GET], paths: [/*]}]}',
    ),
  ],
];

describe('open connections and a plan', () => {
  let bed: Testbed;
  let around: PlanEndsMesh;

  before(async () => {
    bed = await Testbed.create();
    around = await PlanEndsMesh.start(bed);
    await bed.caInto(join(bed.folder, 'pki', 'new-p1'), 'p1.example');
    const { readFileSync } = await import('node:fs');
    writeFileSync(join(bed.pki('p1.example'), 'new.pem'), readFileSync(join(bed.folder, 'pki', 'new-p1', 'ca.pem')));
  });

  after(async () => {
    around?.close();
    await bed.close();
  });

  async function resources(role: 'ingress' | 'egress'): Promise<ServedResources> {
    const answer = await fetch(`http://${formatHostPort(around.mesh.place.admin)}/resources/${role}`);
    return (await answer.json()) as ServedResources;
  }

  /** The text is served, and nothing of it is still to come. */
  async function applied(yaml: string): Promise<void> {
    around.mesh.write(yaml);
    const sha256 = createHash('sha256').update(yaml).digest('hex');
    await eventually('the configuration is applied', async () => {
      const { config } = await around.mesh.status();
      assert.equal(config.rejected, undefined, JSON.stringify(config.rejected));
      const [ingress, egress] = [await resources('ingress'), await resources('egress')];
      return config.sha256 === sha256 && !ingress.snapshot.settlesAt && !egress.snapshot.settlesAt;
    });
    await around.mesh.settled();
  }

  async function planOf(yaml: string): Promise<PlanReport> {
    const file = join(bed.folder, 'new.yaml');
    writeFileSync(file, yaml);
    const stdout: string[] = [];
    const admin = formatHostPort(around.mesh.place.admin);
    const output = {
      stdout: (text: string) => void stdout.push(text),
      stderr: (text: string) => void stdout.push(text),
    };
    const parsed = parseArguments(['plan', '-f', file, '--admin', admin, '-o', 'json'], COMMANDS, {}, output);
    assert.ok(parsed.kind === 'run');
    const status = await (await parsed.command.load())(parsed.invocation);
    assert.ok(status === 0 || status === 79, stdout.join(''));
    return JSON.parse(stdout.join('')) as PlanReport;
  }

  for (const [title, isUsual, edit] of EDITS) {
    if (CHOSEN === undefined ? !isUsual : CHOSEN !== 'all' && !title.includes(CHOSEN)) continue;
    test(`Of open connections, those end that the plan names, when ${title}`, async () => {
      const { kinds, base } = around;
      const yaml = edit(base);
      assert.notEqual(yaml, base);
      await applied(base);
      const open = new Map<string, OpenConnection>();
      for (const [name, kind] of Object.entries(kinds)) {
        let last: OpenConnection | undefined;
        await eventually(`${name} is served`, async () => {
          last = await kind.open();
          return true;
        });
        if (last) open.set(name, last);
      }
      try {
        const { connections } = await planOf(yaml);
        const named = Object.keys(kinds).filter((name) => connections.some((line) => kinds[name]?.told(line)));
        await applied(yaml);
        const ended = (): readonly string[] => [...open].flatMap(([name, one]) => (one.ended ? [name] : []));
        await eventually(
          `ended: ${named.join(', ')}`,
          () => named.every((name) => ended().includes(name)),
          15_000,
        ).catch(() => undefined);
        for (const one of open.values()) await one.lives();
        assert.deepEqual(ended(), named, JSON.stringify(connections, null, 1));
      } finally {
        for (const one of open.values()) one.close();
      }
    });
  }
});
