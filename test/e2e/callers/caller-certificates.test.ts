// Tests the certificate that an egress gateway shows to callers who prove who they are: renewed, and from files, while they are
// connected.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askOn, dialGateway } from '../../../deploy/demo/calls.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { leaf } from '../../support/leaf.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, AUDIT, type ProvenCallers, startProvenCallers, WEB } from './proven-callers.ts';

describe('the certificate that callers are shown', () => {
  let bed: Testbed;
  let meshes: ProvenCallers;

  before(async () => {
    bed = await Testbed.create();
    meshes = await startProvenCallers(bed);
  });

  after(() => bed.close());

  async function serial(): Promise<string | undefined> {
    const { certificate } = await rawTls({ gateway: meshes.egress, client: meshes.workload(WEB) });
    return certificate?.serialNumber.toLowerCase();
  }

  /** A connection that must outlast an edit. */
  function connect(): { status(): Promise<number>; isOpen(): boolean; end(): void } {
    const dialled = { gateway: meshes.egress, servername: ACCOUNTS, client: meshes.workload(WEB) };
    const session: ClientHttp2Session = dialGateway(dialled).on('error', () => undefined);
    let isOpen = true;
    const ended = (): void => {
      isOpen = false;
    };
    session.on('goaway', ended).on('close', ended);
    return {
      status: async () => (await askOn(session, 'https', ACCOUNTS, {})).status,
      isOpen: () => isOpen,
      end: () => session.destroy(),
    };
  }

  async function isUndisturbed(edit: () => void, isDone: (shown: string | undefined) => boolean): Promise<void> {
    const open = connect();
    assert.equal(await open.status(), 200);
    edit();
    await eventually('the new certificate is shown', async () => isDone(await serial()));
    assert.equal(await open.status(), 200);
    assert.ok(open.isOpen());
    open.end();
  }

  test('A certificate of the issuer that is made anew is shown to new callers, and no connection ends', async () => {
    const first = await serial();
    await isUndisturbed(
      () => meshes.shop.edit((yaml) => yaml.replace('ca-key.pem}}', 'ca-key.pem, lifetime: 23h}}')),
      (shown) => shown !== first,
    );
  });

  describe('from files', () => {
    let folder: string;

    /** Envoy looks again when something is moved into the folder. */
    function write(): string {
      const uris = ['spiffe://shop.example/gateway/egress'];
      const wanted = { ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris, dnsNames: [ACCOUNTS] };
      const made = leaf(wanted);
      for (const [name, text] of [
        ['tls-key.pem', made.key],
        ['tls.pem', made.cert],
      ] as const) {
        writeFileSync(join(folder, `${name}.new`), text, { mode: 0o600 });
        renameSync(join(folder, `${name}.new`), join(folder, name));
      }
      return new X509Certificate(made.cert).serialNumber.toLowerCase();
    }

    before(async () => {
      folder = join(bed.folder, 'disk');
      mkdirSync(folder);
      const shown = write();
      const files = `identity: {files: {certificate: ${join(folder, 'tls.pem')}, privateKey: ${join(folder, 'tls-key.pem')}}}`;
      meshes.shop.edit((yaml) => yaml.replace(/^identity: .*$/m, files));
      await eventually('the certificate of the file is shown', async () => (await serial()) === shown);
    });

    test('Clients are admitted and others refused as with an issuer, and strangers get no answer', async () => {
      assert.equal((await meshes.call(meshes.workload(WEB))).status, 200);
      assert.equal((await meshes.call(meshes.workload(AUDIT))).status, 403);
      await assert.rejects(meshes.call(undefined));
      const uris = [`spiffe://shop.example/${WEB}`];
      await assert.rejects(meshes.call(leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris })));
    });

    test('A renewed file is shown to new callers, and no connection ends', async () => {
      let next = '';
      await isUndisturbed(
        () => {
          next = write();
        },
        (shown) => shown === next,
      );
    });
  });
});
