// A small registry of counters and gauges, in Prometheus' text format 0.0.4.
// In: names, labels, values. Out: text. Must not: label by anything that a stranger chooses.

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** By rendered labels. */
  readonly values: Map<string, number>;
}

export class Metrics {
  private readonly metrics = new Map<string, Metric>();

  counter(name: string, help: string): { add(labels?: Labels, by?: number): void } {
    const { values } = this.register(name, help, 'counter');
    return {
      add: (labels = {}, by = 1) => {
        const key = render(labels);
        values.set(key, (values.get(key) ?? 0) + by);
      },
    };
  }

  gauge(name: string, help: string): { set(labels: Labels, value: number): void; clear(): void } {
    const { values } = this.register(name, help, 'gauge');
    return { set: (labels, value) => void values.set(render(labels), value), clear: () => values.clear() };
  }

  text(): string {
    return [...this.metrics]
      .map(([name, { help, type, values }]) => {
        const samples = [...values]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([labels, value]) => `${name}${labels} ${value}\n`);
        return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
      })
      .join('');
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
