// A small registry of counters and gauges, in Prometheus' text format 0.0.4.
// Must not: label a metric by a value that a client chooses.

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** By rendered labels. */
  readonly values: Map<string, number>;
}

/** One value: the metric's name, its labels as they are written, the value. */
export type Sample = readonly [name: string, labels: string, value: number];

export interface Counter {
  add(labels?: Labels, by?: number): void;
  /** One series, with its labels rendered once: for what is counted at every message. */
  series(labels: Labels): { add(by?: number): void };
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

  samples(): readonly Sample[] {
    return [...this.metrics].flatMap(([name, { values }]) =>
      [...values].map(([labels, value]): Sample => [name, labels, value]),
    );
  }

  /** `more` are samples of other processes, which are added to those of this one; of times, the latest counts. Errors: a metric that is not registered here. */
  text(more: readonly Sample[] = []): string {
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
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([labels, value]) => `${name}${labels} ${value}\n`);
        return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
      })
      .join('');
  }

  /** Whether the metric only ever grows: its value then outlives the process that counted it. */
  isCounter(name: string): boolean {
    return this.metrics.get(name)?.type === 'counter';
  }

  private register(name: string, help: string, type: Metric['type']): Metric {
    if (this.metrics.has(name)) throw new Error(`the metric ${name} is registered twice`);
    const metric: Metric = { help, type, values: new Map() };
    this.metrics.set(name, metric);
    return metric;
  }
}

function render(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
