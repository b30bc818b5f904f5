// Who may reach a key: the rule itself, for every owner and mode; that it is asked is tested where keys are read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposure } from '../../../src/config/files/key-access.ts';

const US = 65532;

test('A key file is safe when Postern or root owns it, others have no rights, and its group has only what is allowed', () => {
  for (const groupAllowed of [false, true])
    for (const owner of [US, 0, 4711])
      for (let mode = 0; mode <= 0o777; mode += 1) {
        const fine = owner !== 4711 && (mode & 0o007) === 0 && (groupAllowed || (mode & 0o070) === 0);
        const found = exposure({ mode: 0o100000 | mode, owner }, { groupAllowed, user: US }, 'key.pem');
        assert.equal(found === undefined, fine, `${mode.toString(8)} of ${owner}, group ${groupAllowed}`);
      }
});
