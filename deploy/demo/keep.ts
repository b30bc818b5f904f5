// `--keep`: leaves everything running, and prints the curl lines to try it with.
// Must not: write a certificate that the demo's folder does not hide from others.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatHostPort } from '../../src/host-port.ts';
import { certify } from './certificates.ts';
import type { Stage } from './stage.ts';

export async function keepUp({ demo, processes }: Stage): Promise<void> {
  const { bank, shop, partner } = demo.meshes;
  const { cert, key } = certify(shop.pki, shop.trustDomain, shop.trustDomain, 'gateway/egress');
  const files = { cert: join(demo.folder, 'shop-gateway.pem'), key: join(demo.folder, 'shop-gateway-key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  const egress = formatHostPort(shop.egress);
  const host = 'shop.example.peers.bank.example';
  const direct = `curl -sk --http2 --path-as-is --connect-to ${host}:443:${formatHostPort(bank.ingress)}`;
  const asGateway = `${direct} --cert ${files.cert} --key ${files.key}`;
  const authority = "-H 'Host: withdraw.accounts.exports.bank.example'";
  const lines = [
    '',
    'Everything stays up. Try:',
    '',
    '# an application of the shop, by local names',
    `curl -s -X POST -H 'Host: withdraw.bank.svc.cluster.local' http://${egress}/v1/withdrawals`,
    `curl -s -X POST -H 'Host: withdraw.partner.svc.cluster.local' http://${egress}/points/redeem`,
    `curl -s -H 'Host: ledger.bank.svc.cluster.local' http://${egress}/v1/entries/7`,
    '',
    "# the shop's gateway, straight at the bank's: allowed, a path trick, and nobody",
    `${asGateway} ${authority} https://${host}/v1/receipts/7`,
    `${asGateway} ${authority} 'https://${host}/v1/receipts/../admin'`,
    `${direct} ${authority} https://${host}/v1/receipts/7`,
    '',
    '# what is connected and acknowledged; edit a file and look again',
    ...[bank, shop, partner].map(({ admin }) => `node dist/src/main.js status --admin http://${formatHostPort(admin)}`),
    `$EDITOR ${bank.file}`,
    '',
    `Logs: ${join(demo.folder, 'logs')}. Ctrl-C ends it all.`,
    '',
  ];
  process.stdout.write(lines.join('\n'));
  while (processes.fallen().length === 0) await sleep(500);
  throw new Error(
    `ended by itself: ${processes
      .fallen()
      .map((one) => `${one.name} (${one.outcome()})`)
      .join(', ')}`,
  );
}
