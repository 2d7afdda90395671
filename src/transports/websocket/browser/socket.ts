// What this transport uses of the WebSocket class of browsers (https://websockets.spec.whatwg.org).

export interface BrowserSocketEvents {
  readonly open: object;
  readonly error: object;
  readonly message: { readonly data: unknown };
  readonly close: { readonly code: number; readonly reason: string };
}

export interface BrowserSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  /** 0: connecting; 1: open. */
  readonly readyState: number;
  /** Copies the bytes. */
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener<K extends keyof BrowserSocketEvents>(
    type: K,
    listener: (event: BrowserSocketEvents[K]) => void,
  ): void;
}

export type BrowserSocketClass = new (url: string) => BrowserSocket;

/** The host's own. */
export function globalSocketClass(): BrowserSocketClass | undefined {
  const found: unknown = Reflect.get(globalThis, 'WebSocket');
  return isClass(found) ? found : undefined;
}

function isClass(value: unknown): value is BrowserSocketClass {
  return typeof value === 'function';
}
