// Gateways of several workers: real gRPC streams, each on a connection of its own, and which worker serves which.
// Must not: acknowledge a response that a test did not take.

import { createHash } from 'node:crypto';
import { PUSH_ORDER, TYPE } from '../../src/snapshot/resource-types.ts';
import type { Served } from '../cli/run/served.ts';
import { eventually } from '../support/mesh.ts';
import type { Conversation, Response, XdsClient } from '../xds/grpc-client.ts';

const MOST = 400;
const AT_ONCE = 4;
const NO_SUCH_NAME = 'there-is-no-such-name';
/** Types whose whole state is asked for; of the others a name that there is not, to be told their versions. */
const WILDCARD: readonly string[] = [TYPE.cluster, TYPE.listener];

let opened = 0;

export class Gateway {
  /** No two gateways of a test process have one. */
  readonly node: string;
  readonly stream: Conversation;
  /** What it was sent last, by type. */
  readonly last = new Map<string, Response>();

  constructor(client: XdsClient, role: string) {
    opened += 1;
    this.node = `${role}-${opened}`;
    this.stream = client.delta();
    const node = { id: this.node, cluster: role };
    for (const [index, typeUrl] of PUSH_ORDER.entries())
      this.stream.send({
        ...(index === 0 && { node }),
        type_url: typeUrl,
        resource_names_subscribe: WILDCARD.includes(typeUrl) ? [] : [NO_SUCH_NAME],
      });
  }

  /** Reads until a response of the type comes, and acknowledges all, or rejects that one. */
  async take(typeUrl: string, rejection?: string): Promise<Response> {
    for (;;) {
      const response = await this.stream.next();
      this.last.set(response.type_url, response);
      const wanted = response.type_url === typeUrl;
      const rejected = wanted && rejection !== undefined;
      this.stream.send({
        type_url: response.type_url,
        response_nonce: response.nonce,
        ...(rejected && { error_detail: { code: 3, message: rejection } }),
      });
      if (wanted) return response;
    }
  }

  /** Until it has an answer of every type. */
  async settle(): Promise<this> {
    for (const typeUrl of PUSH_ORDER) if (!this.last.has(typeUrl)) await this.take(typeUrl);
    return this;
  }

  /** The version of the whole snapshot, made as the first process makes it of the versions of its types. */
  snapshotVersion(): string {
    const versions = PUSH_ORDER.map((typeUrl) => this.last.get(typeUrl)?.system_version_info);
    return createHash('sha256').update(versions.join('\n')).digest('hex').slice(0, 32);
  }

  /** The clusters that it was sent last, as names, versions and bytes. */
  clusters(): readonly (readonly [string | undefined, string | undefined, string])[] {
    return (this.last.get(TYPE.cluster)?.resources ?? []).map((resource) => {
      const { resource: any } = resource as { readonly resource?: { readonly value: Buffer } };
      return [resource.name, resource.version, any?.value.toString('hex') ?? ''];
    });
  }
}

/** The number of the worker that serves it, as the log says it. */
export function workerOf(process: Served, { node }: Gateway): unknown {
  return process.all('xDS stream opened').find((line) => line['node'] === node)?.['worker'];
}

/** Opens streams until each of `workers` serves some of them; all of them have what they asked for. */
export async function crowd(
  process: Served,
  client: XdsClient,
  role: string,
  workers: readonly number[] = [1, 2],
): Promise<readonly Gateway[]> {
  const gateways: Gateway[] = [];
  const serves = (worker: number): boolean => gateways.some((gateway) => workerOf(process, gateway) === worker);
  while (!workers.every(serves)) {
    if (gateways.length >= MOST) throw new Error(`${MOST} streams, and not all of ${workers.join(', ')} have some`);
    const more = Array.from({ length: AT_ONCE }, () => new Gateway(client, role));
    gateways.push(...more);
    await Promise.all(more.map((gateway) => gateway.settle()));
    await eventually('each has its worker', () => more.every((gateway) => workerOf(process, gateway) !== undefined));
  }
  return gateways;
}
