// Says in one sentence why a gateway acted as it did, from its access log.
// Must not: guess; what the log does not say is not said.

export type LogLine = Readonly<Record<string, unknown>>;

/** The lines that are whole JSON objects; the last one may still be being written. */
export function parseLog(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line): LogLine[] => {
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    return [JSON.parse(line) as LogLine];
  });
}

/** A connection that was refused before anybody could ask for anything. */
export function isRefusedConnection(line: LogLine): boolean {
  return line['layer'] === 'listener' && line['verdict'] !== 'allowed';
}

export function isRequest(line: LogLine): boolean {
  return line['layer'] === 'http';
}

/** A TCP connection that was decided. */
export function isTcp(line: LogLine): boolean {
  return line['layer'] === 'tcp';
}

export function explain(line: LogLine): string {
  const at = `${text(line, 'gateway')}: `;
  if (isRequest(line)) return at + explainRequest(line);
  if (isTcp(line)) return at + explainTcp(line);
  if (line['tls_fail'] !== undefined) return at + shortTls(text(line, 'tls_fail')) + claimed(line);
  if (line['conn_term'] !== undefined) return at + text(line, 'conn_term');
  return `${at}no filter chain for server name ${text(line, 'sni') || '(none)'}`;
}

function explainRequest(line: LogLine): string {
  const asked = `${text(line, 'method')} ${text(line, 'path')}`;
  if (line['verdict'] === 'allowed') return `${text(line, 'rule')} allows ${asked}`;
  if (line['reason'] === 'WORKLOAD')
    return `a rule allows ${asked}, but not for ${text(line, 'workload') || 'a caller without a claim that counts'}`;
  return `${text(line, 'reason')}: ${asked} at ${text(line, 'authority')}`;
}

function explainTcp(line: LogLine): string {
  const service = text(line, 'export') || text(line, 'import');
  if (line['verdict'] === 'allowed') return `connection of ${text(line, 'peer')} to ${service} allowed`;
  return `${text(line, 'reason')}: ${service}`;
}

/** The last words: without BoringSSL's numbers, the names of its source files, and its general headings. */
function shortTls(reason: string): string {
  const parts = reason
    .replaceAll('_', ' ')
    .replace(/(:?TLS error end|\|)+$/, '')
    .split(/\||:(?!\/\/)/)
    .map((part) => part.trim());
  return (parts.at(-1) ?? reason).toLowerCase();
}

function claimed(line: LogLine): string {
  return line['claimed_uri'] === undefined ? '' : ` (claimed ${text(line, 'claimed_uri')})`;
}

function text(line: LogLine, field: string): string {
  const value = line[field];
  return value === undefined || value === null ? '' : String(value);
}
