// The recipe of docs/configuration.md with which a reader calls an egress gateway as a proven workload, run as it is written.
// Must not: change a command beyond the address and the port.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../../../deploy/reference.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { type ProvenCallers, startProvenCallers } from '../callers/proven-callers.ts';

describe('the recipe for proven callers', () => {
  let bed: Testbed;
  let meshes: ProvenCallers;
  before(async () => {
    bed = await Testbed.create();
    meshes = await startProvenCallers(bed);
  });
  after(() => bed.close());

  test('Its commands make a certificate with which curl is served, and without which it is not', async () => {
    const text = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const [, recipe = ''] = /sign a certificate for a workload[^\n]*\n\n```sh\n([\s\S]*?)```/.exec(text) ?? [];
    const at = recipe.indexOf('curl ');
    assert.ok(at > 0 && recipe.includes(':8443/') && recipe.includes('::127.0.0.1:'));
    const folder = join(bed.folder, 'recipe');
    mkdirSync(join(folder, 'pki'), { recursive: true });
    copyFileSync(join(bed.pki('workloads'), 'ca.pem'), join(folder, 'pki/workloads.pem'));
    copyFileSync(join(bed.pki('workloads'), 'ca-key.pem'), join(folder, 'pki/workloads-key.pem'));
    copyFileSync(join(bed.pki('shop.example'), 'ca.pem'), join(folder, 'pki/ca.pem'));
    // The backend answers in this process.
    const run = (script: string) => promisify(execFile)('bash', ['-euc', script], { cwd: folder });
    await run(recipe.slice(0, at));
    const { host, port } = meshes.egress;
    const curl = recipe.slice(at).replace(':8443/', `:${port}/`).replace('::127.0.0.1:', `::${host}:`);
    await run(curl.replace('curl ', 'curl --silent --show-error --fail '));
    await eventually('the backend saw it', () => meshes.backend.seen.length === 1);
    await assert.rejects(run(curl.replace('--cert front.pem --key front-key.pem ', '')));
    assert.equal(meshes.backend.seen.length, 1);
  });
});
