// A request as the filters of a gateway see it while it passes them: its headers change, and metadata is added.
// Must not: read anything but the request and what the connection has proved.

import type { Message } from '../../envoy/draft.ts';
import type { Request } from '../answer/question.ts';
import { lowerCase, matches } from './text-match.ts';
import { only, present, unjudged } from './unjudged.ts';

type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

/** Of what the filters look at: headers that Envoy keeps in one entry, to which it adds no empty value. */
const IN_ONE_ENTRY: ReadonlySet<string> = new Set([
  'content-length',
  'upgrade',
  'x-forwarded-client-cert',
  'x-request-id',
]);

/** Of Envoy's formats: a header, and the size of all headers. */
const COMMANDS = /%(?:REQ\(([\w:-]+)\)|REQUEST_HEADERS_BYTES)%/g;

export class RequestView {
  readonly request: Request;
  /** The URI names of the client's certificate; undefined without TLS. */
  readonly identities: readonly string[];
  readonly isProven: boolean;
  /** Why the body does not get to the route, whatever access control says. */
  overflow: string | undefined;
  private headers: readonly (readonly [string, string])[];
  private readonly metadata = new Map<string, string>();

  constructor(request: Request, identities: readonly string[] | undefined) {
    const { method, authority, path, body, upgrade } = request;
    this.request = request;
    this.identities = identities ?? [];
    this.isProven = identities !== undefined;
    this.headers = [
      [':method', method],
      [':authority', authority],
      [':path', path],
      ...request.headers.map(([name, value]) => [lowerCase(name), value] as const),
      ...(body?.hasLength ? [['content-length', String(body.bytes)] as const] : []),
      ...(upgrade === undefined ? [] : [['upgrade', upgrade] as const]),
    ];
  }

  /** Of a repeated header, all values in one, as Envoy's matchers see them. */
  header(name: string): string | undefined {
    const key = lowerCase(name);
    const values = this.headers.flatMap(([one, value]) => (one === key ? [value] : []));
    if (values.length === 0) return undefined;
    return (IN_ONE_ENTRY.has(key) ? values.filter((value) => value !== '') : values).join(',');
  }

  headerNames(): readonly string[] {
    return this.headers.map(([name]) => name);
  }

  /** Replaces all values. */
  set(name: string, value: string): void {
    this.headers = [...this.headers.filter(([key]) => key !== name), [name, value]];
  }

  metadataOf(namespace: string, key: string): string | undefined {
    return this.metadata.get(JSON.stringify([namespace, key]));
  }

  setMetadata(namespace: string, key: string, value: string): void {
    this.metadata.set(JSON.stringify([namespace, key]), value);
  }

  /** Of all names and values, in bytes. */
  size(): number {
    return this.headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  }

  mutate(mutations: readonly Mutation[]): void {
    for (const mutation of mutations) this.apply(mutation);
  }

  private apply(mutation: Mutation): void {
    only(mutation, 'a header mutation', 'remove', 'remove_on_match', 'append');
    const { remove, remove_on_match: removed, append } = mutation;
    if (remove !== undefined) this.drop((name) => name === lowerCase(remove));
    else if (removed !== undefined) {
      only(removed, 'a header mutation', 'key_matcher');
      const matcher = present(removed.key_matcher, 'a header mutation');
      this.drop((name) => matches(matcher, name));
    } else this.append(present(append, 'a header mutation'));
  }

  /** Only copies of other headers and the size of all, which is what the builders write before access control. */
  private append(option: Message<'envoy.config.core.v3.HeaderValueOption'>): void {
    only(option, 'a header to add', 'header', 'append_action');
    const { key = '', value = '' } = option.header ?? {};
    const isKnown = !value.replaceAll(COMMANDS, '').includes('%');
    if (!isKnown || option.append_action !== 'OVERWRITE_IF_EXISTS_OR_ADD') throw unjudged(`the header ${key}`);
    const text = value.replaceAll(COMMANDS, (_, copied: string | undefined) =>
      copied === undefined ? String(this.size()) : (this.header(copied) ?? ''),
    );
    if (text !== '') this.set(lowerCase(key), text);
  }

  private drop(isDropped: (name: string) => boolean): void {
    this.headers = this.headers.filter(([name]) => name.startsWith(':') || !isDropped(name));
  }
}
