// A small registry of counters, gauges and histograms, in Prometheus' text format 0.0.4. ARCHITECTURE.md says why not
// prom-client's.
// Must not: label a metric by a value that a client chooses.

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** By rendered labels; of a histogram, by what follows its name: `_bucket{le="0.1"}`, `_sum`. */
  readonly values: Map<string, number>;
  /** Brings the values up to date. */
  readonly refresh?: () => void;
}

/** One value: the metric's name, its labels as they are written, the value. */
export type Sample = readonly [name: string, labels: string, value: number];

export interface Counter {
  add(labels?: Labels, by?: number): void;
  /** One series, with its labels rendered once: for what is counted at every message. */
  series(labels: Labels): { add(by?: number): void };
}

export interface Histogram {
  /** One series, as of a counter; an observation finds its bucket and renders nothing. */
  series(labels: Labels): { observe(value: number): void };
}

export class Metrics {
  private readonly metrics = new Map<string, Metric>();

  counter(name: string, help: string): Counter {
    const { values } = this.register(name, help, 'counter');
    const series = (labels: Labels) => {
      const key = render(labels);
      return { add: (by = 1): void => void values.set(key, (values.get(key) ?? 0) + by) };
    };
    return { add: (labels = {}, by = 1) => series(labels).add(by), series };
  }

  gauge(name: string, help: string): { set(labels: Labels, value: number): void; clear(): void } {
    const { values } = this.register(name, help, 'gauge');
    return { set: (labels, value) => void values.set(render(labels), value), clear: () => values.clear() };
  }

  /** `bounds` ascend; the last bucket, which has everything, is added. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const all: HistogramSeries[] = [];
    const { values } = this.register(name, help, 'histogram', () => {
      for (const one of all) one.writeTo(values);
    });
    return {
      series: (labels) => {
        const one = new HistogramSeries(labels, bounds);
        all.push(one);
        return one;
      },
    };
  }

  samples(): readonly Sample[] {
    this.refresh();
    return [...this.metrics].flatMap(([name, { values }]) =>
      [...values].map(([labels, value]): Sample => [name, labels, value]),
    );
  }

  /** `more` are samples of other processes, which are added to those of this one; of times, the latest counts. Errors: a metric that is not registered here. */
  text(more: readonly Sample[] = []): string {
    this.refresh();
    const sums = new Map([...this.metrics].map(([name, { values }]) => [name, new Map(values)]));
    for (const [name, labels, value] of more) {
      const values = sums.get(name);
      if (values === undefined) throw new Error(`no metric is registered as ${name}`);
      const here = values.get(labels) ?? 0;
      values.set(labels, name.endsWith('_timestamp_seconds') ? Math.max(here, value) : here + value);
    }
    return [...this.metrics]
      .map(([name, { help, type }]) => {
        const samples = [...(sums.get(name) ?? [])]
          // The buckets of a histogram are in their order.
          .sort(([a], [b]) => (type === 'histogram' ? 0 : a < b ? -1 : 1))
          .map(([labels, value]) => `${name}${labels} ${value}\n`);
        return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
      })
      .join('');
  }

  /** Whether the metric only ever grows: its value then outlives the process that counted it. */
  isCounter(name: string): boolean {
    const type = this.metrics.get(name)?.type;
    return type === 'counter' || type === 'histogram';
  }

  private refresh(): void {
    for (const { refresh } of this.metrics.values()) refresh?.();
  }

  private register(name: string, help: string, type: Metric['type'], refresh?: () => void): Metric {
    if (this.metrics.has(name)) throw new Error(`the metric ${name} is registered twice`);
    const metric: Metric = { help, type, values: new Map(), ...(refresh && { refresh }) };
    this.metrics.set(name, metric);
    return metric;
  }
}

class HistogramSeries {
  private readonly labels: Labels;
  private readonly bounds: readonly number[];
  /** How many observations fell into each bucket alone; the last has no bound. */
  private readonly counts: number[];
  private sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = [...bounds.map(() => 0), 0];
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }

  writeTo(values: Map<string, number>): void {
    let count = 0;
    for (const [bucket, own] of this.counts.entries()) {
      count += own;
      const le = bucket === this.bounds.length ? '+Inf' : String(this.bounds[bucket]);
      values.set(`_bucket${render({ ...this.labels, le })}`, count);
    }
    values.set(`_sum${render(this.labels)}`, this.sum);
    values.set(`_count${render(this.labels)}`, count);
  }
}

function render(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
