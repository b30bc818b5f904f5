// I/O: the xDS port: its connections and their limits, the gRPC services, the streams, and a graceful shutdown.
// Must not: answer a client without a verified certificate, or keep a dead connection.

import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { cannotListen } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';
import type { SnapshotCache } from '../../snapshot/cache.ts';
import { TYPE } from '../../snapshot/resource-types.ts';
import type { Admission } from '../admission/admission.ts';
import type { XdsObserver } from '../admission/observer.ts';
import type { Refusal } from '../admission/refusal.ts';
import { type GatewayLimits, GatewayQuota } from '../limits/gateway-quota.ts';
import { OpeningLimiter, type OpeningRates, type StreamPermit } from '../limits/opening-rate.ts';
import { ReportAllowances, type ReportRates } from '../limits/report-allowance.ts';
import { type StreamStatus, XdsError } from '../stream-status.ts';
import { DiscoveryStream } from '../streams/discovery-stream.ts';
import { guardStreams, http2StreamOf, type RawCall } from '../streams/grpc-js-internals.ts';
import { PushQueue } from '../streams/push-queue.ts';
import { type ReportContext, ReportStream } from '../streams/report-stream.ts';
import type { StreamLimits } from '../streams/stream-context.ts';
import { RejectedResources } from '../subscription/rejected-resources.ts';
import type { Variant } from '../wire/messages.ts';
import { addressOf, createTlsListener, type ServerTls, secureContext } from './tls-listener.ts';

export type { ServerTls };

export interface XdsServerOptions {
  readonly address: HostPort;
  /** Undefined: plaintext, without client authentication (benchmarks only). */
  readonly tls: ServerTls | undefined;
  readonly cache: SnapshotCache;
  readonly observer: XdsObserver;
  /** Decides about a client by the DER of its leaf certificate, which is undefined without TLS. */
  readonly admission: (leaf: Buffer | undefined) => Admission;
  /** control_plane.identifier, which says which of several servers answered (rule 10). */
  readonly controlPlane: string;
  readonly limits?: Partial<StreamLimits & ServerLimits>;
  readonly clock?: () => number;
  /** Whether only this process may bind the port, even in a worker, which otherwise shares it with the others. */
  readonly exclusive?: boolean;
  /** What gateways report of their connections; absent: they cannot. */
  readonly reported?: ReportContext['reported'];
}

interface ServerLimits extends GatewayLimits, ReportRates {
  readonly reportStreamsPerGateway: number;
  readonly openings: OpeningRates;
  readonly connections: number;
  /** How long a TLS handshake may take. */
  readonly handshakeMs: number;
  /** How long a connection may be without a stream. */
  readonly idleMs: number;
}

const MIB = 1024 * 1024;
const LIMITS: StreamLimits & ServerLimits = {
  requestBytes: 4 * 1024 * 1024,
  namesPerType: 20_000,
  ratesPerStream: { requests: { burst: 2000, perSecond: 500 }, names: { burst: 1_000_000, perSecond: 25_000 } },
  stallMs: 15_000,
  firstRequestMs: 15_000,
  streamsPerGateway: 2000,
  bytesPerGateway: 128 * 1024 * 1024,
  ratesPerGateway: {
    requests: { burst: 200_000, perSecond: 20_000 },
    names: { burst: 10_000_000, perSecond: 500_000 },
  },
  // An Envoy has a stream for each worker thread: eight of 64 threads, or four while all their streams are replaced.
  reportStreamsPerGateway: 512,
  reportBytesReceived: { burst: 32 * MIB, perSecond: 8 * MIB },
  reportBytesRead: { burst: 2 * MIB, perSecond: MIB / 2 },
  reportsRead: { burst: 8000, perSecond: 2000 },
  reportsPerMessage: 200,
  openings: {
    streamsPerConnection: { burst: 200, perSecond: 20 },
    streamsPerGateway: { burst: 4000, perSecond: 200 },
  },
  connections: 20_000,
  handshakeMs: 5000,
  idleMs: 60_000,
};

/** Connections that may wait to be accepted: when a thousand gateways reconnect at once, Node's default of 511 resets the rest. */
const BACKLOG = 4096;
const PACKAGE = 'envoy.service';
const REPORTS = `${PACKAGE}.accesslog.v3.AccessLogService`;
const SERVICES: readonly { readonly name: string; readonly kind: string; readonly typeUrl: string | undefined }[] = [
  { name: `${PACKAGE}.discovery.v3.AggregatedDiscoveryService`, kind: 'AggregatedResources', typeUrl: undefined },
  { name: `${PACKAGE}.cluster.v3.ClusterDiscoveryService`, kind: 'Clusters', typeUrl: TYPE.cluster },
  { name: `${PACKAGE}.endpoint.v3.EndpointDiscoveryService`, kind: 'Endpoints', typeUrl: TYPE.endpoint },
  { name: `${PACKAGE}.listener.v3.ListenerDiscoveryService`, kind: 'Listeners', typeUrl: TYPE.listener },
  { name: `${PACKAGE}.route.v3.RouteDiscoveryService`, kind: 'Routes', typeUrl: TYPE.route },
  { name: `${PACKAGE}.secret.v3.SecretDiscoveryService`, kind: 'Secrets', typeUrl: TYPE.secret },
];

export class XdsServer {
  private readonly options: XdsServerOptions;
  private readonly limits: StreamLimits & ServerLimits;
  private readonly clock: () => number;
  private readonly grpc: Server;
  private readonly streams = new Set<DiscoveryStream>();
  private readonly reports = new Set<ReportStream>();
  private readonly sockets = new Set<Socket>();
  private readonly rejected = new RejectedResources();
  private readonly pushes: PushQueue;
  private readonly quota: GatewayQuota;
  /** Of its own: reports take nothing of what the gateway's resources need. */
  private readonly reportQuota: GatewayQuota;
  private readonly allowances: ReportAllowances;
  private readonly openings: OpeningLimiter;
  private readonly permits = new WeakMap<Socket, StreamPermit>();
  private listener: TcpServer | TlsServer | undefined;
  private isStopping = false;

  constructor(options: XdsServerOptions) {
    this.options = options;
    this.limits = { ...LIMITS, ...options.limits };
    this.clock = options.clock ?? Date.now;
    this.pushes = new PushQueue(options.cache, this.clock);
    this.quota = new GatewayQuota(this.limits);
    const { reportStreamsPerGateway: streamsPerGateway } = this.limits;
    this.reportQuota = new GatewayQuota({ ...this.limits, streamsPerGateway });
    this.allowances = new ReportAllowances(this.limits);
    this.openings = new OpeningLimiter(this.limits.openings);
    this.grpc = new Server({
      'grpc.max_receive_message_length': this.limits.requestBytes,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_concurrent_streams': 100,
      'grpc.max_connection_idle_ms': this.limits.idleMs,
      'grpc.enable_channelz': 0,
    });
    for (const service of SERVICES) this.addService(service);
    const { reported } = options;
    if (reported !== undefined) this.addMethod(REPORTS, 'StreamAccessLogs', (call) => this.onReports(call, reported));
  }

  /** Errors: LISTEN_FAILED. Returns the bound port. */
  async listen(): Promise<number> {
    const { address, tls } = this.options;
    const injector = this.grpc.createConnectionInjector(ServerCredentials.createInsecure());
    guardStreams(this.grpc, (socket, path) => {
      const purpose = path.startsWith(`/${REPORTS}/`) ? 'reports' : 'resources';
      return this.permits.get(socket)?.(this.clock(), purpose) === true;
    });
    const accept = (socket: Socket): void => {
      const permit = this.permitOf(socket);
      if (permit === undefined) {
        socket.destroy();
        return;
      }
      this.permits.set(socket, permit);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      socket.setNoDelay(true);
      injector.injectConnection(socket);
    };
    const { observer } = this.options;
    const refuse = (refusal: Refusal): void => observer.refused(refusal);
    const listener =
      tls === undefined ? createTcpServer(accept) : createTlsListener(tls, this.limits.handshakeMs, accept, refuse);
    listener.maxConnections = this.limits.connections;
    this.listener = listener;
    await new Promise<void>((fulfil, reject) => {
      listener.once('error', (error: NodeJS.ErrnoException) =>
        reject(cannotListen('xds', formatHostPort(address), error)),
      );
      const { exclusive = false } = this.options;
      listener.listen({ host: address.host, port: address.port, backlog: BACKLOG, exclusive }, fulfil);
    });
    const bound = listener.address();
    return typeof bound === 'object' && bound !== null ? bound.port : address.port;
  }

  /** Replaces certificate and client CA, for new connections. */
  setTls(tls: ServerTls): void {
    (this.listener as TlsServer | undefined)?.setSecureContext(secureContext(tls));
  }

  status(): readonly StreamStatus[] {
    return [...this.streams].flatMap((stream) => stream.status() ?? []);
  }

  /** Sends every client the resources that it rejected again. */
  retry(): void {
    for (const stream of [...this.streams]) stream.retry();
  }

  /** Aborts the streams of clients that are no longer admitted, after the registry of gateways changed. */
  recheck(): void {
    for (const stream of [...this.streams, ...this.reports]) stream.recheck();
  }

  /** Ends every stream with UNAVAILABLE (clients reconnect, and report the versions that they have), then every connection. */
  async stop(graceMs = 1000): Promise<void> {
    this.isStopping = true;
    const { listener } = this;
    const closed = new Promise<void>((fulfil) => (listener === undefined ? fulfil() : listener.close(() => fulfil())));
    for (const stream of [...this.streams, ...this.reports])
      stream.abort(new XdsError('UNAVAILABLE', 'the control plane is shutting down'));
    const ended = new Promise<void>((fulfil) => this.grpc.tryShutdown(() => fulfil()));
    await Promise.race([Promise.all([closed, ended]), new Promise((fulfil) => setTimeout(fulfil, graceMs).unref())]);
    this.grpc.forceShutdown();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Undefined: the client is not a gateway, or its gateway has opened too many connections and streams. */
  private permitOf(socket: Socket): StreamPermit | undefined {
    const { tls, admission, observer } = this.options;
    const now = this.clock();
    if (tls === undefined) return this.openings.connect(undefined, now);
    const admitted = admission(leafOf(socket as TLSSocket));
    const caller = admitted.identify(undefined);
    const permit = caller.ok ? this.openings.connect(caller.gateway, now) : undefined;
    if (permit === undefined) {
      const why = caller.ok
        ? ({ reason: 'too_many_streams', detail: `too many streams of ${caller.gateway}` } as const)
        : { reason: caller.reason, detail: caller.detail };
      observer.refused({ ...why, address: addressOf(socket), nodeId: '', claims: admitted.claims });
    }
    return permit;
  }

  private addService({ name, kind, typeUrl }: (typeof SERVICES)[number]): void {
    for (const variant of ['sotw', 'delta'] as const)
      this.addMethod(name, `${variant === 'sotw' ? 'Stream' : 'Delta'}${kind}`, (call) =>
        this.onStream(call, variant, typeUrl),
      );
  }

  private addMethod(service: string, name: string, handle: (call: RawCall) => void): void {
    const path = `/${service}/${name}`;
    const bytes = (message: Buffer): Buffer => message;
    const codec = {
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const method = { path, requestStream: true, responseStream: true, ...codec };
    this.grpc.addService({ [name]: method } as ServiceDefinition, { [name]: handle });
  }

  private onReports(call: RawCall, reported: ReportContext['reported']): void {
    const { observer } = this.options;
    const reserve: ReportContext['reserve'] = (gateway, now) => this.reportQuota.reserve(gateway, now);
    const allowance: ReportContext['allowance'] = (gateway, now) => this.allowances.of(gateway, now);
    const { firstRequestMs } = this.limits;
    const shared = { reported, observer, reserve, allowance, firstRequestMs, clock: this.clock };
    const context = { ...shared, admission: this.admissionOf(call) };
    const stream = new ReportStream(call, context, (ended) => this.reports.delete(ended));
    this.reports.add(stream);
    if (this.isStopping) stream.abort(new XdsError('UNAVAILABLE', 'the control plane is shutting down'));
  }

  private admissionOf(call: RawCall): Admission {
    const { admission, tls } = this.options;
    return admission(tls === undefined ? undefined : leafOf(socketOf(call)));
  }

  private onStream(call: RawCall, variant: Variant, typeUrl: string | undefined): void {
    const { cache, observer, controlPlane, tls } = this.options;
    const stream = new DiscoveryStream(
      call,
      variant,
      typeUrl,
      {
        cache,
        pushes: this.pushes,
        observer,
        controlPlane,
        rejected: this.rejected,
        limits: this.limits,
        admission: this.admissionOf(call),
        reserve: (gateway, now) => this.quota.reserve(gateway, now),
        encrypted: tls !== undefined,
        clock: this.clock,
      },
      (ended) => this.streams.delete(ended),
    );
    this.streams.add(stream);
    if (this.isStopping) stream.abort(new XdsError('UNAVAILABLE', 'the control plane is shutting down'));
  }
}

/**
 * The DER of the client's leaf, if TLS has verified its chain. Not by `getPeerCertificate`, which decodes and hashes much more
 * than is needed.
 */
function leafOf(socket: TLSSocket | undefined): Buffer | undefined {
  return socket?.authorized === true ? socket.getPeerX509Certificate()?.raw : undefined;
}

function socketOf(call: RawCall): TLSSocket | undefined {
  return http2StreamOf(call).session?.socket as TLSSocket | undefined;
}
