// Logs of the running process: JSON lines on stdout, one for each event that an operator acts on.
// Must not: print key material; `PrivateKeyPem` prints as [redacted], and pino redacts by name too.

import { pino } from 'pino';

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** `worker` is the number of a serving process beside the first. */
export function createLogger(level: LogLevel, worker?: number): Logger {
  return pino({
    level,
    base: { name: 'postern', ...(worker !== undefined && { worker }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['privateKey', '*.privateKey', 'key', '*.key', 'pem', '*.pem'],
    formatters: { level: (label) => ({ level: label }) },
  });
}
