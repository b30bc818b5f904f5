// Why a gateway did what it did, in its own words: the access log, read and shortened.
// In: lines of an Envoy's access log. Out: one short sentence. Must not: guess; what the log does not say is not said.

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
  return (
    line['layer'] === 'listener' &&
    (line['tls_fail'] !== undefined || line['flags'] === 'NR' || line['conn_term'] !== undefined)
  );
}

export function isRequest(line: LogLine): boolean {
  return line['layer'] === 'http';
}

export function explain(line: LogLine): string {
  const at = `${text(line, 'gateway')}: `;
  if (isRequest(line)) return at + explainRequest(line);
  if (line['tls_fail'] !== undefined) return at + shortTls(text(line, 'tls_fail')) + claimed(line);
  if (line['conn_term'] !== undefined) return at + text(line, 'conn_term');
  return `${at}no filter chain for server name ${text(line, 'sni') || '(none)'}`;
}

function explainRequest(line: LogLine): string {
  const details = text(line, 'code_details');
  const asked = `${text(line, 'method')} ${text(line, 'path')}`;
  if (line['verdict'] === 'allowed') return `policy ${text(line, 'policy')} allows ${asked}`;
  if (details.startsWith('rbac_access_denied')) return `no policy for ${asked} at ${text(line, 'authority')}`;
  if (line['reason'] !== undefined) return `${text(line, 'reason')}: ${text(line, 'authority')}`;
  if (details === 'via_upstream') return `answered by ${text(line, 'route')}`;
  return details || text(line, 'flags_long');
}

/** Without BoringSSL's numbers and the names of its source files. */
function shortTls(reason: string): string {
  const words = reason
    .replaceAll('_', ' ')
    .replace(/TLS error:?|end$/gi, '')
    .split(/[|:]/)
    .map((word) => word.trim())
    .filter((word) => word !== '' && !/^(\d+|SSL routines|OPENSSL internal|error|X509 verify cert)$/i.test(word));
  return [...new Set(words)].slice(-2).join(': ').toLowerCase();
}

function claimed(line: LogLine): string {
  return line['peer_uri'] === undefined ? '' : ` (claimed ${text(line, 'peer_uri')})`;
}

function text(line: LogLine, field: string): string {
  const value = line[field];
  return value === undefined || value === null ? '' : String(value);
}
