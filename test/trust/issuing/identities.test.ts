// The certificates of our gateways over time: one key for each gateway and peer, renewed when due by the clock that is passed in.
// Each case compares which identities stay the same objects and which are new.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayIdentities, type IdentityNeed } from '../../../src/trust/issuing/identities.ts';
import { createCa } from '../../../src/trust/issuing/issue.ts';
import { type Issuer, parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';

const DOMAIN = 'a.example' as TrustDomain;
const NOW = Date.UTC(2026, 10, 25);
const HOUR = 60 * 60;
const MINUTE = 60 * 1000;
/** Certificates are valid from five minutes before they are made, and renewed half-way from there. */
const BACKDATE = 5 * MINUTE;

function newIssuer(lifetimeSeconds = 1000 * HOUR): Issuer {
  const ca = createCa({ commonName: 'CA', trustDomain: DOMAIN, now: NOW - 24 * 60 * MINUTE, lifetimeSeconds });
  return issuerOf(ca.certificate, ca.privateKey.reveal());
}

function issuerOf(certificate: string, key: string, now = NOW): Issuer {
  const { issuer, findings } = parseIssuer(Buffer.from(certificate), Buffer.from(key), DOMAIN, now);
  assert.ok(issuer, JSON.stringify(findings));
  return issuer;
}

const need = (role: string, peer: string, path = `gateway/${role}`, trustDomain = `${peer}.example`): IdentityNeed => ({
  role,
  peer,
  trustDomain,
  id: spiffeId(DOMAIN, path),
});

const issuer = newIssuer();
const NEEDS = [need('ingress', 'p1'), need('ingress', 'p2'), need('egress', 'p1'), need('egress', 'p2')];

function held(identities: GatewayIdentities): readonly unknown[] {
  return NEEDS.map(({ role, peer }) => identities.get(role, peer));
}

describe('identities', () => {
  test('Identities are one for each gateway and peer, and no two share a key or a certificate', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, NEEDS, NOW);
    const all = NEEDS.map(({ role, peer, id }) => {
      const identity = identities.get(role, peer);
      assert.ok(identity);
      assert.equal(new X509Certificate(identity.certificateChain).subjectAltName, `URI:${id}`);
      return identity;
    });
    assert.equal(new Set(all.map(({ privateKey }) => privateKey.reveal())).size, NEEDS.length);
    assert.equal(new Set(all.map(({ fingerprint }) => fingerprint)).size, NEEDS.length);
  });

  test('Identities are new for another trust domain under the name of a peer, and the same for the others', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, NEEDS, NOW);
    const before = held(identities);
    const moved = need('ingress', 'p1', 'gateway/ingress', 'other.example');
    identities.ensure(issuer, HOUR, [moved, ...NEEDS.slice(1)], NOW);
    const after = held(identities);
    assert.deepEqual(
      after.map((identity, index) => identity === before[index]),
      [false, true, true, true],
    );
    const [first, again] = [before[0], after[0]] as { privateKey: { reveal(): string } }[];
    assert.notEqual(first?.privateKey.reveal(), again?.privateKey.reveal());
  });

  test('Identities exist only where they are needed', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW);
    assert.equal(identities.get('egress', 'p1'), undefined);
    assert.equal(identities.get('ingress', 'p2'), undefined);
  });

  test('Identities stay the same objects until half of their life is over, and are all new then', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, NEEDS, NOW);
    const first = held(identities);
    const due = NOW + (HOUR * 1000 - BACKDATE) / 2;
    assert.equal(identities.nextRenewal(), due);
    identities.ensure(issuer, HOUR, NEEDS, due - 1);
    assert.ok(held(identities).every((identity, index) => identity === first[index]));
    identities.ensure(issuer, HOUR, NEEDS, due);
    assert.ok(held(identities).every((identity) => identity !== undefined && !first.includes(identity)));
    assert.equal(identities.nextRenewal(), due + (HOUR * 1000 - BACKDATE) / 2);
  });

  test('Identities get a new key when they are renewed', () => {
    const identities = new GatewayIdentities();
    const keys = [0, 1, 2].map((round) => {
      identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW + round * HOUR * 1000);
      return identities.get('ingress', 'p1')?.privateKey.reveal();
    });
    assert.equal(new Set(keys).size, 3);
  });

  test('Identities of other peers stay when a peer comes or goes, and one that comes back has a new key', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW);
    const p1 = identities.get('ingress', 'p1');
    identities.ensure(issuer, HOUR, [need('ingress', 'p2'), need('ingress', 'p1')], NOW + 1);
    const p2 = identities.get('ingress', 'p2');
    assert.equal(identities.get('ingress', 'p1'), p1);
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW + 2);
    assert.equal(identities.get('ingress', 'p1'), p1);
    assert.equal(identities.get('ingress', 'p2'), undefined);
    identities.ensure(issuer, HOUR, [need('ingress', 'p1'), need('ingress', 'p2')], NOW + 3);
    assert.notEqual(identities.get('ingress', 'p2')?.privateKey.reveal(), p2?.privateKey.reveal());
  });

  test('Identities are due at different times when they were made at different times', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW);
    const first = identities.nextRenewal() ?? 0;
    identities.ensure(issuer, HOUR, NEEDS, NOW + 10 * MINUTE);
    assert.equal(identities.nextRenewal(), first);
    identities.ensure(issuer, HOUR, NEEDS, first);
    assert.equal(identities.nextRenewal(), first + 10 * MINUTE);
  });

  test('Identities are new with another lifetime, of another issuer, or for another ID', () => {
    const changes: readonly ((identities: GatewayIdentities) => void)[] = [
      (identities) => identities.ensure(issuer, 2 * HOUR, [need('ingress', 'p1')], NOW),
      (identities) => identities.ensure(newIssuer(), HOUR, [need('ingress', 'p1')], NOW),
      (identities) => identities.ensure(issuer, HOUR, [need('ingress', 'p1', 'edge')], NOW),
    ];
    for (const change of changes) {
      const identities = new GatewayIdentities();
      identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW);
      const before = identities.get('ingress', 'p1');
      change(identities);
      assert.notEqual(identities.get('ingress', 'p1'), before);
      assert.ok(identities.get('ingress', 'p1'));
    }
  });

  test('Identities are new when the chain above their issuer is another, for it is sent with them', () => {
    const openssl = new Openssl();
    try {
      const root = openssl.ca(DOMAIN, { commonName: 'root' });
      const middle = openssl.ca(DOMAIN, { commonName: 'middle', signer: root });
      const made = openssl.ca(DOMAIN, { signer: middle });
      const identities = new GatewayIdentities();
      const chainOf = (file: string): string | undefined => {
        identities.ensure(issuerOf(file, made.keyPem, WHILE_VALID), HOUR, [need('ingress', 'p1')], WHILE_VALID);
        return identities.get('ingress', 'p1')?.certificateChain;
      };
      assert.ok(!chainOf(made.pem)?.includes(middle.pem));
      assert.ok(chainOf(made.pem + middle.pem)?.includes(middle.pem));
    } finally {
      openssl.close();
    }
  });

  test('Identities stay with an issuer that was only read again', () => {
    const ca = createCa({ commonName: 'CA', trustDomain: DOMAIN, now: NOW, lifetimeSeconds: 100 * HOUR });
    const identities = new GatewayIdentities();
    identities.ensure(issuerOf(ca.certificate, ca.privateKey.reveal()), HOUR, NEEDS, NOW);
    const before = held(identities);
    identities.ensure(issuerOf(ca.certificate, ca.privateKey.reveal()), HOUR, NEEDS, NOW + 1);
    assert.ok(held(identities).every((identity, index) => identity === before[index]));
  });

  test('Identities end with their issuer, and are not renewed before that: a new one would end at the same time', () => {
    const identities = new GatewayIdentities();
    const short = newIssuer(25 * HOUR);
    const ends = short.certificate.notAfter;
    identities.ensure(short, 100 * HOUR, [need('ingress', 'p1')], NOW);
    const first = identities.get('ingress', 'p1');
    assert.equal(first?.notAfter, ends);
    for (const now of [ends - MINUTE, ends, ends + 24 * HOUR * 1000]) {
      identities.ensure(short, 100 * HOUR, [need('ingress', 'p1')], now);
      assert.equal(identities.get('ingress', 'p1'), first);
      assert.equal(identities.nextRenewal(), undefined);
    }
    identities.ensure(newIssuer(), 100 * HOUR, [need('ingress', 'p1')], ends + MINUTE);
    assert.ok((identities.get('ingress', 'p1')?.notAfter ?? 0) > ends + MINUTE);
  });

  test('Identities of an issuer that has ended have ended as well; of one that has not begun, begin with it', () => {
    const identities = new GatewayIdentities();
    const short = newIssuer(25 * HOUR);
    const { notBefore, notAfter } = short.certificate;
    identities.ensure(short, HOUR, [need('ingress', 'p1')], notAfter + 5 * HOUR * 1000);
    const ended = identities.get('ingress', 'p1');
    assert.equal(ended?.notAfter, notAfter);
    assert.ok(ended && ended.notBefore < ended.notAfter && new X509Certificate(ended.certificateChain));
    const early = new GatewayIdentities();
    early.ensure(short, HOUR, [need('ingress', 'p1')], notBefore - 5 * HOUR * 1000);
    const begins = early.get('ingress', 'p1');
    assert.deepEqual([begins?.notBefore, begins?.notAfter], [notBefore, notBefore + HOUR * 1000]);
    early.ensure(short, HOUR, [need('ingress', 'p1')], notBefore - 4 * HOUR * 1000);
    assert.equal(early.get('ingress', 'p1'), begins);
  });

  test('Identities are issued again when the clock that they were issued by was ahead', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW + 100 * HOUR * 1000);
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW);
    const identity = identities.get('ingress', 'p1');
    assert.ok(identity && identity.notBefore <= NOW && NOW < identity.notAfter);
    // A small step back is none of that.
    identities.ensure(issuer, HOUR, [need('ingress', 'p1')], NOW - MINUTE);
    assert.equal(identities.get('ingress', 'p1'), identity);
  });

  test('Identities are all dropped by clear', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, NEEDS, NOW);
    identities.clear();
    assert.deepEqual([identities.get('ingress', 'p1'), identities.nextRenewal()], [undefined, undefined]);
    assert.deepEqual(identities.list(), []);
  });

  test('Identities are listed without their keys', () => {
    const identities = new GatewayIdentities();
    identities.ensure(issuer, HOUR, NEEDS, NOW);
    const notAfter = NOW + HOUR * 1000;
    assert.deepEqual(
      identities.list(),
      NEEDS.map(({ role, peer }) => ({ role, peer, notAfter })),
    );
  });
});

test('After any series of changes no identity is due, expired or of another need', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 2 * HOUR * 1000 }),
    peers: fc.subarray(['p1', 'p2', 'p3']),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const identities = new GatewayIdentities();
      const owners = new Map<string, string>();
      let now = NOW;
      for (const { wait, peers } of steps) {
        now += wait;
        const needs = peers.flatMap((peer) => [need('ingress', peer), need('egress', peer)]);
        identities.ensure(issuer, HOUR, needs, now);
        assert.equal(identities.list().length, needs.length);
        for (const { role, peer } of needs) {
          const identity = identities.get(role, peer);
          assert.ok(identity && identity.notBefore <= now && now < (identity.notBefore + identity.notAfter) / 2);
          const owner = owners.get(identity.privateKey.reveal()) ?? `${role} ${peer}`;
          assert.equal(owner, `${role} ${peer}`);
          owners.set(identity.privateKey.reveal(), owner);
        }
        const next = identities.nextRenewal();
        assert.ok(needs.length === 0 ? next === undefined : (next ?? 0) > now);
      }
    }),
    { numRuns: 25 },
  );
});
