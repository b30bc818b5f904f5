// The answers of the admin port, as a function of the request and the process's views.
// Must not: change anything; every route is read-only.

import type { AskedSnapshot, ResourcesAnswer } from './resources-view.ts';
import type { Status } from './status-view.ts';

export interface AdminViews {
  /** Whether the first snapshot is being served, and no shutdown has begun. */
  readonly ready: () => boolean;
  /** With workers, these two are collected from other processes. */
  readonly metrics: () => string | Promise<string>;
  readonly status: () => Status | undefined | Promise<Status | undefined>;
  /** Undefined until something is served. */
  readonly resources: (
    gateway: 'ingress' | 'egress',
    asked: AskedSnapshot,
  ) => ResourcesAnswer | Promise<ResourcesAnswer>;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  /** The Host header: a web page that resolves its own name to 127.0.0.1 is not answered. */
  readonly host: string;
  /** What a browser says of the page that asks: the headers Origin and Sec-Fetch-Site. Nobody else sends them. */
  readonly origin?: string | undefined;
  readonly fetchSite?: string | undefined;
}

export interface AdminResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string | readonly Uint8Array[];
  /** The allowed methods, when the request used another one. */
  readonly allow?: string;
  /** Seconds, when the same request may be answered later. */
  readonly retryAfter?: number;
}

const TEXT = 'text/plain; charset=utf-8';
const NOT_READY = text(503, 'not ready\n');
/** Commands tell it from a process that does not serve yet. */
export const BUSY = 'busy with other requests\n';

export async function answer(request: AdminRequest, views: AdminViews): Promise<AdminResponse> {
  const { method, path, host } = request;
  if (!isAddressed(host)) return text(403, 'ask by IP address or localhost\n');
  if (isOfOtherSite(request)) return text(403, 'pages of other sites get nothing\n');
  if (method !== 'GET' && method !== 'HEAD') return { ...text(405, 'only GET\n'), allow: 'GET, HEAD' };
  switch (path.split('?', 1)[0]) {
    case '/healthz':
      return text(200, 'ok\n');
    case '/readyz':
      return views.ready() ? text(200, 'ok\n') : text(503, 'not ready\n');
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await views.metrics() };
    case '/status':
      return json(await views.status());
    case '/resources/ingress':
      return await resources('ingress', path, views);
    case '/resources/egress':
      return await resources('egress', path, views);
    default:
      return text(404, 'there are /healthz, /readyz, /metrics, /status, /resources/ingress and /resources/egress\n');
  }
}

async function resources(
  gateway: 'ingress' | 'egress',
  path: string,
  views: Pick<AdminViews, 'resources'>,
): Promise<AdminResponse> {
  const query = new URLSearchParams(path.split('?').slice(1).join('?'));
  const [version, time, node] = ['version', 'at', 'node'].map((key) => query.get(key) ?? undefined);
  const at = time === undefined ? undefined : Date.parse(time);
  if ((version !== undefined && !/^(?:[0-9a-f]{12}|[0-9a-f]{32})$/.test(version)) || Number.isNaN(at))
    return text(400, 'version is 12 or 32 hexadecimal digits, and at a time (ISO 8601)\n');
  const body = await views.resources(gateway, { version, at, node });
  if (body === undefined) return NOT_READY;
  if (body === 'busy') return { ...text(503, BUSY), retryAfter: 1 };
  return { status: 200, type: 'application/json', body };
}

/** Of a status that several clients are sent, which has many gateways in a large mesh. */
const statusTexts = new WeakMap<Status, readonly Uint8Array[]>();

function json(value: Status | undefined): AdminResponse {
  if (value === undefined) return NOT_READY;
  const body = statusTexts.get(value) ?? [Buffer.from(`${JSON.stringify(value)}\n`)];
  statusTexts.set(value, body);
  return { status: 200, type: 'application/json', body };
}

function text(status: number, body: string): AdminResponse {
  return { status, type: TEXT, body };
}

/** A page cannot read the answer, but it could have costly answers made. */
function isOfOtherSite({ host, origin, fetchSite }: AdminRequest): boolean {
  const isOwnOrigin = origin === undefined || origin.toLowerCase() === `http://${host}`.toLowerCase();
  const isOwnSite = fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none';
  return !isOwnOrigin || !isOwnSite;
}

function isAddressed(host: string): boolean {
  return /^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(host);
}
