// What was logged, to look at.

import type { Logger } from '../../src/contracts/index.js';

type Line = Readonly<Record<string, unknown>> & { readonly text: string };

export class RecordingLogger implements Logger {
  readonly lines: { debug: Line[]; info: Line[]; warn: Line[]; error: Line[] } = {
    debug: [],
    info: [],
    warn: [],
    error: [],
  };

  debug(fields: object, text: string): void {
    this.lines.debug.push({ ...fields, text });
  }

  info(fields: object, text: string): void {
    this.lines.info.push({ ...fields, text });
  }

  warn(fields: object, text: string): void {
    this.lines.warn.push({ ...fields, text });
  }

  error(fields: object, text: string): void {
    this.lines.error.push({ ...fields, text });
  }
}
