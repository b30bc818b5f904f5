// Hundreds of broken files: none makes the parser throw; each is refused with codes and places, or means what it says.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_CONFIG_BYTES, parseConfig } from '../../../src/config/parse.ts';
import { toDiagnostics } from '../../../src/config/placement.ts';
import { FINDING_CODES, hasErrors } from '../../../src/errors.ts';
import { GOOD } from '../documents.ts';
import { KINDS, type Kind, mutated } from './mutation.ts';

const EACH = 250;

/** Whether there is such a place in the text; one past the end of a line is one. */
function exists(text: string, line: number, column: number): boolean {
  const found = text.split('\n')[line - 1];
  return found !== undefined && column >= 1 && column <= found.length + 1;
}

for (const kind of Object.keys(KINDS) as Kind[]) {
  describe(`${EACH} ${kind} mutations of a good configuration`, () => {
    const texts = Array.from({ length: EACH }, (_, seed) => mutated(GOOD, kind, seed + 1));

    test('No mutation throws; each is refused at valid places or has a Config', () => {
      let refused = 0;
      for (const text of texts) {
        const parsed = parseConfig(text);
        const found = toDiagnostics(parsed.findings, parsed, text, 'postern.yaml');
        assert.equal(parsed.config === undefined, hasErrors(found), text);
        if (hasErrors(found)) refused += 1;
        for (const diagnostic of found) {
          const { code, line, column, message, hint } = diagnostic;
          assert.ok(Object.hasOwn(FINDING_CODES, code), code);
          assert.ok(exists(text, line, column), `${line}:${column} ${code}\n${text}`);
          // A key that may be key material is not repeated: "…" stands for it.
          assert.match(`${message}${hint}`.replaceAll('"…"', '""'), /^[\x20-\x7e]+$/, text);
          assert.notEqual(message, '');
          assert.notEqual(hint, '');
        }
      }
      // Else the mutations would be too gentle to show anything.
      assert.ok(refused > EACH / 2, `${refused} of ${EACH}`);
    });

    test('The findings of a mutation are in the order of the text', () => {
      for (const text of texts) {
        const { places } = parseConfig(text);
        places.forEach(({ line, column }, index) => {
          const before = places[index - 1];
          if (before === undefined) return;
          assert.ok(before.line < line || (before.line === line && before.column <= column), text);
        });
      }
    });

    test('Every mutation that is accepted keeps the promises that later stages rely on', () => {
      for (const text of texts) {
        const { config } = parseConfig(text);
        if (config === undefined) continue;
        for (const peer of config.peers) assert.ok(peer.gatewayIdentities.length > 0 && peer.leafKeys.length > 0);
        for (const exported of config.exports) {
          assert.ok(exported.backend.length > 0 && exported.consumers.length > 0, text);
          if (exported.protocol === 'tcp') continue;
          for (const { methods, paths } of exported.consumers.flatMap(({ allow }) => allow)) {
            assert.ok(methods.length > 0 && paths.length > 0, text);
            if (exported.protocol === 'grpc') assert.deepEqual([...methods], ['POST']);
            for (const path of paths) assert.match(path, /^\/[^*?#%\\]*\*?$/, text);
          }
        }
        for (const { port } of config.imports) assert.ok(Number.isInteger(port) && port > 0 && port < 65536, text);
      }
    });
  });
}

test('A text that is cut at any character is refused, or is a whole configuration', () => {
  for (let length = 0; length < GOOD.length; length += 3) {
    const text = GOOD.slice(0, length);
    const { config, findings } = parseConfig(text);
    assert.equal(config === undefined, hasErrors(findings), text);
  }
  assert.ok(GOOD.length < MAX_CONFIG_BYTES);
});
