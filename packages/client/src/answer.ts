/** What a raw call answers: a `Response` of which the status and the JSON are known. `status` tells which of several it is. */
export interface Answer<Body, Status extends number> extends Omit<Response, 'json' | 'ok' | 'status'> {
  readonly status: Status
  readonly ok: Status extends 200 ? true : false
  json(): Promise<Body>
}

/** What a raw call takes besides its arguments. */
export interface RawOptions {
  /** What this request carries besides. */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>) | undefined
  /** For `fetch`, such as `{ signal }`; what it holds replaces what the call would say itself. */
  init?: RequestInit | undefined
}
