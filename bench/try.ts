// Temporary: one cell, some servers.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Processes } from '../deploy/demo/processes.ts';
import { makeCertificates } from './certificates.ts';
import { type Cell, type Figures, load, median } from './load.ts';
import { type ServerName, startServer } from './servers.ts';

const [
  size = '5-10',
  streams = '100',
  mode = 'delta',
  tls = '0',
  change = 'cds',
  churn = '0',
  names = 'postern',
  reps = '3',
] = process.argv.slice(2);
const [peers = '5', services = '10'] = size.split('-');
const folder = mkdtempSync(join(tmpdir(), 'pb-'));
const processes = new Processes(join(folder, 'logs'));
const binaries = { gcp: '/tmp/gcp', xdsload: '/tmp/xdsload' };
const certificates = tls === '1' ? makeCertificates(folder) : undefined;
const cell: Cell = {
  name: 'x',
  peers: +peers,
  services: +services,
  streams: +streams,
  mode: mode as 'delta',
  tls: tls === '1',
  change: change as 'cds',
  rounds: 5,
  churnSeconds: +churn,
};
const all = new Map<string, Figures[]>();
for (let r = 0; r < +reps; r += 1)
  for (const name of names.split(',')) {
    const s = await startServer(processes, name as ServerName, binaries, `/tmp/snap-${size}.bin`, certificates);
    const f = await load(binaries.xdsload, cell, s.target);
    await s.running.stop();
    all.set(name, [...(all.get(name) ?? []), f]);
  }
for (const [name, fs] of all)
  console.log(
    name.padEnd(9),
    Object.keys(fs[0]!)
      .map((k) => `${k}=${median(fs.map((f) => f[k as keyof Figures])).toPrecision(3)}`)
      .join(' '),
  );
await processes.stopAll();
