// `postern who`: everybody who reaches a service, and the same from the running process, whose answers `can` uses too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { postern, ROOT, refusal, scene } from '../postern.ts';
import { served } from '../run/served.ts';

interface Entry {
  readonly peer: string;
  readonly method?: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly workload?: Readonly<Record<string, string>>;
}

const answer = (stdout: string): readonly Entry[] =>
  (JSON.parse(stdout) as { readonly reached: readonly Entry[] }).reached;

describe('who', () => {
  test('The command who lists each caller of an export with its methods and paths, and nobody else', async (t) => {
    const { file } = scene(t);
    const { status, stdout } = await postern(['who', 'withdraw.accounts', '-f', file, '-o', 'json']);
    assert.equal(status, 0);
    const shown = answer(stdout).map(({ peer, method, path, workload }) => [peer, method, path, workload?.['exact']]);
    assert.deepEqual(
      shown.sort((a, b) => String(a[1]).localeCompare(String(b[1])) || String(a[3]).localeCompare(String(b[3]))),
      [
        ['shop', 'GET', { exact: '/v1/statements' }, 'spiffe://shop.example/ns/shop/sa/checkout'],
        ['shop', 'GET', { prefix: '/v1/receipts/' }, undefined],
        ['shop', 'POST', { exact: '/v1/withdrawals' }, undefined],
      ],
    );
    const text = await postern(['who', 'ledger.audit', '-f', file]);
    assert.match(text.stdout, /^CALLER .*\npartner +GET +\/v1\/entries\/\*/);
  });

  test('An entry has the keys that docs/operations.md lists and no other, in the answers of who and plan', async (t) => {
    const { file, edited } = scene(t);
    const docs = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const paragraph = /With `-o json`, each entry has .*?\n\n/s.exec(docs)?.[0] ?? '';
    const documented = new Set([...paragraph.matchAll(/`(\w+)`/g)].map(([, key]) => key));
    const without = edited('without.yaml', (yaml) => yaml.replace('methods: [POST]', 'methods: [PUT]'));
    const [who, planned] = await Promise.all([
      postern(['who', 'withdraw.accounts', '-f', file, '-o', 'json']),
      postern(['plan', '-f', file, '--against', without, '-o', 'json']),
    ]);
    const { gained, lost } = JSON.parse(planned.stdout) as Readonly<Record<'gained' | 'lost', readonly Entry[]>>;
    for (const entries of [answer(who.stdout), gained, lost]) {
      assert.ok(entries.length > 0);
      for (const key of entries.flatMap((entry) => Object.keys(entry))) assert.ok(documented.has(key), key);
    }
  });

  test('An import is listed by its local name, and a name that there is not is an error', async (t) => {
    const { file } = scene(t);
    const { stdout } = await postern(['who', 'reviews.default:11080', '-f', file]);
    assert.match(stdout, /\nanyone +any +any /);
    assert.deepEqual(refusal(await postern(['who', 'reviews.other', '-f', file])), [64, 'USAGE', '']);
  });

  test('The running process gives the same answers as its file', async (t) => {
    const { admin, here } = await served(t);
    const { file } = here;
    const asked = [
      ['who', 'withdraw.accounts', '-o', 'json'],
      ['can', 'shop', 'POST', 'withdraw.accounts', '/v1/withdrawals', '-o', 'json'],
      ['can', 'anyone', 'GET', 'reviews.default:11080', '/', '-o', 'json'],
    ];
    for (const words of asked) {
      const [running, offline] = await Promise.all([
        postern([...words, '--admin', admin]),
        postern([...words, '-f', file]),
      ]);
      assert.deepEqual([running.status, running.stderr], [0, '']);
      assert.deepEqual(JSON.parse(running.stdout), JSON.parse(offline.stdout));
    }
    const shown = await (await fetch(`http://${admin}/resources/ingress`)).text();
    assert.match(shown, /\[redacted\]/);
    assert.doesNotMatch(shown, /PRIVATE KEY/);
  });
});
