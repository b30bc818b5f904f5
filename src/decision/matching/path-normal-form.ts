// What Envoy makes of a path and an authority before any filter sees them (normalize_path, merge_slashes and others).
// Must not: be kinder than Envoy: a path that it refuses is refused here.

/** Characters that a path holds as they are; Envoy writes all others with a percent sign, also these: " < > ^ ` { | } */
const PLAIN = /[!$&'()*+,\-./:;=@[\]~\w]/;
/** Characters that Envoy also writes as they are where they come percent-encoded. */
const UNRESERVED = /[\w~-]/;

/** Undefined: Envoy answers 400. The query stays as it is. */
export function normalPath(path: string): string | undefined {
  if (path.includes('#')) return undefined;
  const bytes = Buffer.from(path, 'utf8').toString('latin1');
  const [query] = /\?.*$/s.exec(bytes) ?? [''];
  const asked = bytes.slice(0, bytes.length - query.length);
  if (/%(?:2f|5c)/i.test(asked)) return undefined;
  const canonical = canonicalPath(withoutDotParameters(asked));
  return canonical === undefined ? undefined : `${withoutDoubles(canonical)}${query}`;
}

/** Envoy joins what is between slashes, and puts back the first and the last one: of slashes alone two are left. */
function withoutDoubles(path: string): string {
  return /^\/{2,}$/.test(path) ? '//' : path.replaceAll(/\/{2,}/g, '/');
}

/**
 * Dot segments lose their parameters (`/..;a=b/`), before all else: dots that are written with a percent sign keep theirs,
 * and a backslash still is no slash here.
 */
function withoutDotParameters(path: string): string {
  return path.replaceAll(/(?<=\/)(\.{1,2});[^/]*/g, '$1');
}

/** As browsers do it, which is where Envoy has it from. */
function canonicalPath(path: string): string | undefined {
  let written = '';
  let rest = path;
  while (rest !== '') {
    const dots = written.endsWith('/') ? /^(?:\.|%2e){1,2}(?=[/\\]|$)/i.exec(rest)?.[0] : undefined;
    if (dots !== undefined) {
      if (/^(?:\.|%2e){2}$/i.test(dots))
        written = written.slice(0, written.lastIndexOf('/', written.length - 2) + 1) || '/';
      rest = rest.slice(dots.length + 1);
      continue;
    }
    const encoded = /^%[0-9a-f]{2}/i.exec(rest)?.[0];
    if (encoded === undefined) written += canonicalCharacter(rest.charAt(0));
    else {
      const meant = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
      if (meant === '\0') return undefined;
      written += UNRESERVED.test(meant) || meant === '.' ? meant : encoded;
    }
    rest = rest.slice(encoded?.length ?? 1);
  }
  return written;
}

function canonicalCharacter(char: string): string {
  if (char === '\\') return '/';
  if (char === '%' || PLAIN.test(char)) return char;
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

export interface HostOptions {
  readonly stripPort: boolean;
  readonly stripDot: boolean;
}

/** A port is a number of 32 bits, and may have a plus sign; what is none stays. */
export function normalAuthority(authority: string, { stripPort, stripDot }: HostOptions): string {
  // A dot at the end, or before whatever stands for the port.
  const undotted = stripDot ? authority.replace(/\.(?=(?::[^.]*)?$)/, '') : authority;
  const [, host = '', port = ''] = /^(.*):(\+?\d+)$/s.exec(undotted) ?? [];
  return stripPort && port !== '' && Number(port) < 2 ** 32 ? host : undotted;
}

/** What is left for the choice of a virtual host where that ignores the port: also what is no number. */
export function withoutPort(authority: string): string {
  return authority.replace(/:[^:\]]*$/, '');
}
