// A real gRPC client of the discovery services: grpc-js with the messages of @grpc/proto-loader, not with our codec.
// Must not: acknowledge anything by itself; each test decides that.

import { fileURLToPath } from 'node:url';
import {
  type ChannelOptions,
  type ClientDuplexStream,
  credentials,
  type Client as GrpcClient,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Credentials } from '../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';

const PROTO = fileURLToPath(new URL('../../../proto/', import.meta.url));

export interface Response {
  readonly version_info?: string;
  readonly system_version_info?: string;
  readonly nonce: string;
  readonly type_url: string;
  /** SotW: Any; delta: Resource. */
  readonly resources: readonly {
    readonly type_url?: string;
    readonly name?: string;
    readonly version?: string;
    readonly value?: Buffer;
  }[];
  readonly removed_resources?: readonly string[];
  readonly control_plane?: { readonly identifier: string };
}

export interface End {
  readonly code: number;
  readonly details: string;
}

const definitions = loadPackageDefinition(
  loadSync(
    ['ads', 'cds', 'eds', 'lds', 'rds', 'sds'].map((service) => {
      const folder = {
        ads: 'discovery',
        cds: 'cluster',
        eds: 'endpoint',
        lds: 'listener',
        rds: 'route',
        sds: 'secret',
      };
      return `envoy/service/${folder[service as keyof typeof folder]}/v3/${service}.proto`;
    }),
    { includeDirs: [PROTO], keepCase: true, longs: String, enums: String, defaults: true },
  ),
);

/** The constructor of a service's client: `envoy.service.cluster.v3.ClusterDiscoveryService`. */
function serviceOf(name: string): ServiceClientConstructor {
  let at: unknown = definitions;
  for (const part of name.split('.')) at = (at as Record<string, unknown>)[part];
  return at as ServiceClientConstructor;
}

/** A DeltaDiscoveryRequest as bytes, by a codec that is not ours. */
export function encodeDelta(request: object): Buffer {
  const method = serviceOf(ADS).service['DeltaAggregatedResources'];
  if (method === undefined) throw new Error('no such method');
  return method.requestSerialize(request);
}

export const ADS = 'envoy.service.discovery.v3.AggregatedDiscoveryService';
export const NODE = { id: 'node-1', cluster: 'ingress' };

/** One stream: its responses in their order, and its end. */
export class Conversation {
  readonly end: Promise<End>;
  private readonly call: ClientDuplexStream<object, Response>;
  private readonly received: Response[] = [];
  private arrived: () => void = () => undefined;
  private over: End | undefined;

  constructor(call: ClientDuplexStream<object, Response>) {
    this.call = call;
    call.on('data', (response: Response) => {
      this.received.push(response);
      this.arrived();
    });
    call.on('error', () => undefined);
    this.end = new Promise((fulfil) => {
      call.on('status', ({ code, details }: ServiceError) => {
        this.over = { code, details };
        this.arrived();
        fulfil(this.over);
      });
    });
  }

  send(request: object): this {
    this.call.write(request);
    return this;
  }

  /** The next response. Errors: the stream ended before it, or none came. */
  async next(): Promise<Response> {
    const deadline = Date.now() + LIMIT_MS;
    for (;;) {
      const first = this.received.shift();
      if (first !== undefined) return first;
      if (this.over !== undefined) throw new Error(`ended: ${this.over.code} ${this.over.details}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error('no response came');
      await new Promise<void>((fulfil) => {
        const timer = setTimeout(fulfil, left);
        this.arrived = () => {
          clearTimeout(timer);
          fulfil();
        };
      });
    }
  }

  /** What came and was not asked for yet. */
  waiting(): number {
    return this.received.length;
  }

  finish(): void {
    this.call.end();
  }

  cancel(): void {
    this.call.cancel();
  }
}

export class XdsClient {
  private readonly clients: GrpcClient[] = [];
  private readonly port: number;
  private readonly tls: { readonly ca: string; readonly client?: Credentials } | undefined;

  private readonly channel: ChannelOptions;

  constructor(
    port: number,
    tls?: { readonly ca: string; readonly client?: Credentials },
    channel: ChannelOptions = {},
  ) {
    this.port = port;
    this.tls = tls;
    this.channel = channel;
  }

  /** A stream of a service, on a connection of its own. */
  open(service: string, method: string): Conversation {
    const channel =
      this.tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(
            Buffer.from(this.tls.ca),
            this.tls.client ? Buffer.from(this.tls.client.key) : null,
            this.tls.client ? Buffer.from(this.tls.client.cert) : null,
          );
    const client = new (serviceOf(service))(`localhost:${this.port}`, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      ...this.channel,
    });
    this.clients.push(client);
    const call = (client as unknown as Record<string, () => ClientDuplexStream<object, Response>>)[method]?.();
    if (call === undefined) throw new Error(`no such method: ${method}`);
    return new Conversation(call);
  }

  sotw(): Conversation {
    return this.open(ADS, 'StreamAggregatedResources');
  }

  delta(): Conversation {
    return this.open(ADS, 'DeltaAggregatedResources');
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}
