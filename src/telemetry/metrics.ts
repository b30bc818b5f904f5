// A small registry of counters and gauges, in Prometheus' text format 0.0.4.
// In: names, labels, values. Out: text. Must not: label by anything that a stranger chooses.

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
  /** One series of it, whose labels are rendered once: for what is counted at every message. */
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

  /** `more` are samples of other processes: they are added to those of this one. Errors: a metric that is not known here. */
  text(more: readonly Sample[] = []): string {
    const sums = new Map([...this.metrics].map(([name, { values }]) => [name, new Map(values)]));
    for (const [name, labels, value] of more) {
      const values = sums.get(name);
      if (values === undefined) throw new Error(`no metric is called ${name}`);
      values.set(labels, (values.get(labels) ?? 0) + value);
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

  /** Whether it only ever grows: then it outlives the process that counted it. */
  isCounter(name: string): boolean {
    return this.metrics.get(name)?.type === 'counter';
  }

  private register(name: string, help: string, type: Metric['type']): Metric {
    if (this.metrics.has(name)) throw new Error(`two metrics are called ${name}`);
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
