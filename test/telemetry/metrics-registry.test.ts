// Counters and gauges as text that Prometheus reads: names, labels, escaping, and every event counted once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Logger } from '../../src/log.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import { serverObserver } from '../../src/telemetry/xds-metrics-and-log.ts';
import { REFUSALS } from '../../src/xds/admission/refusal.ts';
import { expositionProblems, samplesIn } from './exposition.ts';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the text format', () => {
  test('Each metric has HELP, then TYPE, then its samples, in a stable order', () => {
    const metrics = new Metrics();
    const requests = metrics.counter('requests_total', 'Requests.');
    const open = metrics.gauge('open', 'Open now.');
    requests.add({ peer: 'shop' });
    open.set({}, 3);
    requests.add({ peer: 'bank' }, 2);
    assert.equal(
      metrics.text(),
      [
        '# HELP requests_total Requests.',
        '# TYPE requests_total counter',
        'requests_total{peer="bank"} 2',
        'requests_total{peer="shop"} 1',
        '# HELP open Open now.',
        '# TYPE open gauge',
        'open 3',
        '',
      ].join('\n'),
    );
  });

  test('A metric without samples is still announced, and a registry without metrics is an empty text', () => {
    const metrics = new Metrics();
    assert.equal(metrics.text(), '');
    metrics.counter('requests_total', 'Requests.');
    assert.deepEqual(expositionProblems(metrics.text()), []);
    assert.equal(samplesIn(metrics.text()).size, 0);
  });

  test('A backslash, a quote and a line feed in a label are escaped, each once', () => {
    const metrics = new Metrics();
    metrics.gauge('open', 'Open now.').set({ a: 'x\\n', b: '"', c: 'line\nfeed' }, 1);
    assert.deepEqual(expositionProblems(metrics.text()), []);
    assert.ok(metrics.text().includes('open{a="x\\\\n",b="\\"",c="line\\nfeed"} 1\n'));
  });

  test('Numbers are written as Prometheus reads them, from the smallest to times in seconds', () => {
    const metrics = new Metrics();
    const gauge = metrics.gauge('some', 'Some.');
    for (const [index, value] of [0, -1, 0.25, 1e-9, 1.5e300, 1795478400.123].entries())
      gauge.set({ at: `${index}` }, value);
    assert.deepEqual(expositionProblems(metrics.text()), []);
    assert.deepEqual([...samplesIn(metrics.text()).values()], [0, -1, 0.25, 1e-9, 1.5e300, 1795478400.123]);
  });
});

describe('counting', () => {
  test('A counter adds up by its labels; a gauge has the value set last, and is empty when cleared', () => {
    const metrics = new Metrics();
    const counter = metrics.counter('a_total', 'A.');
    const gauge = metrics.gauge('b', 'B.');
    for (const peer of ['shop', 'bank', 'shop']) {
      counter.add({ peer });
      gauge.set({ peer }, 1);
      gauge.set({ peer }, 5);
    }
    assert.deepEqual(Object.fromEntries(samplesIn(metrics.text())), {
      'a_total{peer="bank"}': 1,
      'a_total{peer="shop"}': 2,
      'b{peer="bank"}': 5,
      'b{peer="shop"}': 5,
    });
    gauge.clear();
    assert.equal(
      [...samplesIn(metrics.text()).keys()].some((name) => name.startsWith('b')),
      false,
    );
  });

  test('A second metric of the same name is refused', () => {
    const metrics = new Metrics();
    metrics.counter('a_total', 'A.');
    assert.throws(() => metrics.gauge('a_total', 'Another.'));
  });

  test('Streams, responses, their answers and refusals are counted as they happen', () => {
    const metrics = new Metrics();
    const observer = serverObserver(SILENT, metrics, () => 5000);
    // From the beginning, at 0: of a series that begins at 1, nobody sees an increase.
    const refused = Object.fromEntries(
      Object.keys(REFUSALS).map((reason) => [`postern_xds_clients_refused_total{reason="${reason}"}`, 0]),
    );
    assert.deepEqual(Object.fromEntries(samplesIn(metrics.text())), {
      ...refused,
      postern_xds_denied_total: 0,
      postern_xds_refused_of_own_mesh_total: 0,
    });
    observer.pushed('egress', 'CDS');
    assert.equal(samplesIn(metrics.text()).get('postern_xds_nacks_total{gateway="egress",type="CDS"}'), 0);
    observer.opened('ingress', 'i-1', '127.0.0.1:1', 'delta');
    observer.opened('ingress', 'i-2', '127.0.0.1:2', 'sotw');
    observer.closed('ingress', 'i-1', '127.0.0.1:1');
    observer.pushed('ingress', 'LDS');
    observer.pushed('ingress', 'LDS');
    observer.answered('ingress', 'i-2', 'LDS', 'ack', undefined, 30);
    observer.answered('ingress', 'i-2', 'LDS', 'nack', 'no', 30);
    observer.refused({ reason: 'no_certificate', detail: '"}', address: '127.0.0.1:3', nodeId: '"}\n' });
    observer.dropped('egress');
    assert.deepEqual(expositionProblems(metrics.text()), []);
    const [times, counts] = byHistogram(samplesIn(metrics.text()));
    assert.deepEqual(counts, {
      'postern_xds_streams{gateway="ingress"}': 1,
      'postern_xds_report_messages_dropped_total{gateway="egress"}': 1,
      'postern_xds_responses_total{gateway="ingress",type="LDS"}': 2,
      'postern_xds_acks_total{gateway="ingress",type="LDS"}': 1,
      'postern_xds_nacks_total{gateway="ingress",type="LDS"}': 1,
      'postern_xds_responses_total{gateway="egress",type="CDS"}': 1,
      'postern_xds_acks_total{gateway="egress",type="CDS"}': 0,
      'postern_xds_nacks_total{gateway="egress",type="CDS"}': 0,
      ...refused,
      'postern_xds_clients_refused_total{reason="no_certificate"}': 1,
      'postern_xds_client_last_refused_timestamp_seconds{reason="no_certificate"}': 5,
      postern_xds_denied_total: 1,
      postern_xds_refused_of_own_mesh_total: 0,
    });
    // An ACK after 30 ms, and no NACK.
    const buckets = Object.keys(times).filter((key) => key.includes('_bucket'));
    assert.deepEqual(
      buckets.filter((key) => times[key] === 0).map((key) => /le="(.*)"/.exec(key)?.[1]),
      ['0.005', '0.01', '0.025'],
    );
    assert.equal(times['postern_xds_push_to_ack_seconds_count{gateway="ingress"}'], 1);
    assert.equal(times['postern_xds_push_to_ack_seconds_sum{gateway="ingress"}'], 0.03);
  });
});

function byHistogram(samples: ReadonlyMap<string, number>): [Record<string, number>, Record<string, number>] {
  const isTime = ([key]: readonly [string, number]): boolean => key.startsWith('postern_xds_push_to_ack_seconds');
  const all = [...samples];
  return [Object.fromEntries(all.filter(isTime)), Object.fromEntries(all.filter((one) => !isTime(one)))];
}

describe('histograms', () => {
  const measured = (...values: readonly number[]): Metrics => {
    const metrics = new Metrics();
    const series = metrics.histogram('took_seconds', 'Took.', [0.1, 1]).series({ gateway: 'a' });
    for (const value of values) series.observe(value);
    return metrics;
  };
  const text = (first: number, second: number, count: number, sum: number): string =>
    [
      '# HELP took_seconds Took.',
      '# TYPE took_seconds histogram',
      `took_seconds_bucket{gateway="a",le="0.1"} ${first}`,
      `took_seconds_bucket{gateway="a",le="1"} ${second}`,
      `took_seconds_bucket{gateway="a",le="+Inf"} ${count}`,
      `took_seconds_sum{gateway="a"} ${sum}`,
      `took_seconds_count{gateway="a"} ${count}`,
      '',
    ].join('\n');

  test('A histogram has what is at most each bound, in the order of the bounds', () => {
    assert.equal(measured().text(), text(0, 0, 0, 0));
    assert.equal(measured(0.1, 0.5, 4).text(), text(1, 2, 3, 4.6));
    assert.deepEqual(expositionProblems(measured(1).text()), []);
  });

  test('Histograms of several processes are added up, and outlive the process that measured', () => {
    assert.equal(measured(0.5).text(measured(0.25, 2).samples()), text(0, 2, 3, 2.75));
    assert.equal(measured().isCounter('took_seconds'), true);
  });
});

describe('what several processes count', () => {
  /** Two processes of one kind, that counted something. */
  function counting(add: number, open: number) {
    const metrics = new Metrics();
    const counter = metrics.counter('a_total', 'A.');
    counter.add({ peer: 'shop' }, add);
    if (add > 1) counter.add({ peer: 'bank' });
    metrics.gauge('b', 'B.').set({}, open);
    metrics.counter('never_total', 'Never.');
    return metrics;
  }

  test('Counts cross between processes as samples of name, labels as written, and value, without those never set', () => {
    assert.deepEqual(counting(2, 5).samples(), [
      ['a_total', '{peer="shop"}', 2],
      ['a_total', '{peer="bank"}', 1],
      ['b', '', 5],
    ]);
    assert.deepEqual(new Metrics().samples(), []);
  });

  test('Counts of several processes are added up in the text, by name and labels, and stay unchanged in each process', () => {
    const here = counting(1, 3);
    const before = here.text();
    const text = here.text([...counting(2, 5).samples(), ...counting(4, 0).samples()]);
    assert.deepEqual(expositionProblems(text), []);
    assert.deepEqual(Object.fromEntries(samplesIn(text)), {
      'a_total{peer="bank"}': 2,
      'a_total{peer="shop"}': 7,
      b: 8,
    });
    assert.equal(here.text(), before);
    assert.equal(here.text([]), before);
  });

  test('A metric that only another process knows is refused', () => {
    const other = new Metrics();
    other.gauge('c', 'C.').set({}, 1);
    assert.throws(() => counting(1, 1).text(other.samples()));
  });

  test('Only a counter outlives the process that counted it', () => {
    const metrics = counting(1, 1);
    assert.deepEqual(
      ['a_total', 'never_total', 'b', 'c'].map((name) => metrics.isCounter(name)),
      [true, true, false, false],
    );
  });
});

describe('the checks of these tests', () => {
  const HEAD = '# HELP a A.\n# TYPE a gauge\n';
  for (const [what, text] of Object.entries({
    'a name that begins with a digit': '# HELP 1a A.\n# TYPE 1a gauge\n1a 1\n',
    'a label name with a hyphen': `${HEAD}a{b-c="d"} 1\n`,
    'a quote that is not escaped': `${HEAD}a{b="""} 1\n`,
    'an escape that there is not': `${HEAD}a{b="\\t"} 1\n`,
    'a sample twice': `${HEAD}a 1\na 2\n`,
    'a label twice': `${HEAD}a{b="1",b="2"} 1\n`,
    'a type twice': `${HEAD}${HEAD}`,
    'a sample without a type': 'a 1\n',
    'no help': '# TYPE a gauge\na 1\n',
    'a counter without _total': '# HELP a A.\n# TYPE a counter\na 1\n',
    'a value that is no number': `${HEAD}a undefined\n`,
    'a last line that does not end': `${HEAD}a 1`,
  }))
    test(`The checks of these tests find ${what}`, () => {
      assert.notDeepEqual(expositionProblems(text), []);
    });
});
