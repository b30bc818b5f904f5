// Reads the blocks of a PEM file (RFC 7468).
// Text between blocks is a comment, whatever it says. A line that begins like a boundary but is not one is a fault: a block
// could be lost with it.
// Must not: look into a block, or take more than linear time.

/** One block of a PEM file. */
export interface PemBlock {
  readonly type: string;
  /** Empty when the text of the block is not base64. */
  readonly body: Buffer;
}

export type Pem =
  | { readonly blocks: readonly PemBlock[]; readonly fault?: never }
  /** What is wrong with the file, as the end of a sentence that begins with it. */
  | { readonly blocks?: never; readonly fault: string };

const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----$/;
/** The next block may begin on the same line. */
const END = /^-----END ([A-Z0-9][A-Z0-9 ]*)-----(-----BEGIN [^-]*-----)?$/;
/** A byte order mark, in a file that is read as bytes. */
const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** More than 32 certificates of 16 KiB have in lines of 64 characters: another party may write the file. */
const MAX_LINES = 20_000;

/** Reads every block; none of a file that is blank. */
export function readPem(text: string): Pem {
  if (text.trim() === '') return { blocks: [] };
  const blocks: PemBlock[] = [];
  let open: { readonly type: string; readonly line: number; readonly text: string[] } | undefined;
  const lines = text.split(/\r\n|\n|\r/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) return { fault: `has more than ${MAX_LINES} lines` };
  for (const [index, raw] of lines.entries()) {
    // trim knows the byte order mark of text, and is linear, which a pattern for the end of a line is not.
    const line = raw.replace(BYTE_ORDER_MARK, '').trim();
    const number = index + 1;
    let begin = open === undefined && line.startsWith('-----BEGIN') ? line : undefined;
    if (open !== undefined && line.startsWith('-----')) {
      const [, type, next] = END.exec(line) ?? [];
      if (type !== open.type) return { fault: `has a block that begins in line ${open.line} and does not end` };
      blocks.push({ type, body: decode(open.text) });
      open = undefined;
      begin = next;
    } else if (open !== undefined) open.text.push(line);
    else if (line.startsWith('-----END'))
      return { fault: `has the end of a block in line ${number}, without its begin` };
    if (begin === undefined) continue;
    const [, type] = BEGIN.exec(begin) ?? [];
    if (type === undefined)
      return { fault: `has a line that starts with -----BEGIN and is not the begin of a block (line ${number})` };
    open = { type, line: number, text: [] };
  }
  if (open !== undefined) return { fault: `has a block that begins in line ${open.line} and does not end` };
  if (blocks.length === 0) return { fault: 'holds no PEM block' };
  return { blocks };
}

/** The blocks, or undefined when the file is not PEM. */
export function parsePem(text: string): readonly PemBlock[] | undefined {
  return readPem(text).blocks;
}

function decode(lines: readonly string[]): Buffer {
  const text = lines.join('').replace(/[ \t]/g, '');
  return text.length % 4 === 0 && BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
}
