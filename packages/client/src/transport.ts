import { type CallErrorCode, GatehouseError } from './errors.ts'

/** What sends requests: the global `fetch`, or anything that takes a URL and gives a `Response`. */
export type Fetch = (url: string, init: RequestInit) => Response | Promise<Response>

/** What requests carry besides. */
export type RequestHeaders = Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)

export const resolveHeaders = (headers: RequestHeaders = {}) => (typeof headers === 'function' ? headers() : headers)

export interface TransportOptions {
  fetch: Fetch
  /** Milliseconds that one attempt may take, its answer's body included. */
  timeout: number
  /** How often something safe is tried again. */
  retries: number
}

export interface SendOptions {
  /** How often to try again; by default only what is safe is (RFC 9110 §9.2.1). */
  retries?: number
  /** Whether an attempt has succeeded only when the whole answer is here. */
  whole?: boolean
}

export type Send = (url: string, init: RequestInit, options?: SendOptions) => Promise<Response>

/** Milliseconds after which nothing is tried again: a refresh token that was used is good for 30 seconds. */
const patience = 15_000

/** Those after which the same request may succeed soon. */
const passing = new Set([429, 502, 503, 504])

/** Which signal ends the reading of an answer. */
const signals = new WeakMap<Response, AbortSignal>()

/** `fetch` with a timeout, that tries again what is safe, and rejects with nothing but a `GatehouseError`. */
export function createTransport({ fetch, timeout, retries }: TransportOptions): Send {
  async function attempt(url: string, init: RequestInit, whole: boolean) {
    try {
      // Timers take whole milliseconds, up to 2 ** 31.
      const limit = timeout < 2 ** 31 ? AbortSignal.timeout(Math.ceil(Math.max(timeout, 0))) : undefined
      const ends = [init.signal, limit].filter((end) => end != null)
      const signal = Object.assign(AbortSignal.any(ends), { ends }) // Node holds them weakly
      // A redirect would send a password to wherever it points; workers know no `redirect: 'error'`.
      const response = await untilAborted(fetch(url, { ...init, signal, redirect: 'manual' }), signal)
      if (!whole) {
        signals.set(response, signal)
        return response
      }
      const text = await untilAborted(response.text(), signal)
      response.text = () => Promise.resolve(text)
      return response
    } catch (cause) {
      return failure(cause, init.signal)
    }
  }

  return async function send(url, init, { retries: again = isSafe(init) ? retries : 0, whole = false } = {}) {
    const start = performance.now()
    for (let tries = 0; ; tries++) {
      const answer = await attempt(url, init, whole)
      const wait = (retryAfter(answer) ?? 0) * 1000 + Math.random() * 300 * 2 ** tries
      const late = performance.now() - start + wait > patience
      if (tries >= again || late || !isPassing(answer)) return settle(answer)
      discard(answer)
      await pause(wait, init.signal)
    }
  }
}

const isSafe = ({ method }: RequestInit) => !method || method === 'GET' || method === 'HEAD'

const isPassing = (answer: Response | GatehouseError) => answer instanceof GatehouseError || passing.has(answer.status)

/** What is not read would hold its connection. */
export function discard(answer: Response | GatehouseError): void {
  if (answer instanceof Response) void answer.body?.cancel().catch(() => undefined)
}

function settle(answer: Response | GatehouseError): Response {
  if (answer instanceof GatehouseError) throw answer
  return answer
}

/** The text of an answer; rejects as `send` does. */
export async function readText(response: Response): Promise<string> {
  const signal = signals.get(response)
  try {
    return await untilAborted(response.text(), signal)
  } catch (cause) {
    throw failure(cause, signal)
  }
}

/** What `cause` means to the caller whose signal it is. */
export function failure(cause: unknown, signal?: AbortSignal | null): GatehouseError {
  if (cause instanceof GatehouseError) return cause
  const { name } = Object(signal?.aborted ? signal.reason : cause) as Partial<Error>
  const error = (code: CallErrorCode, detail: string) => new GatehouseError({ code, detail, cause })
  if (name === 'TimeoutError') return error('timed_out', 'The server took too long to answer')
  if (signal?.aborted || name === 'AbortError') return error('aborted', 'The request was aborted')
  return error('network_error', 'The server could not be reached')
}

/** Seconds, a day at most, where the answer names them, or the time and its own (RFC 9110 §10.2.3). */
export function retryAfter(answer: Response | GatehouseError): number | undefined {
  if (answer instanceof GatehouseError) return answer.retryAfter
  const value = answer.headers.get('Retry-After') ?? ''
  const seconds = /^\d/.test(value)
    ? parseInt(value, 10)
    : (Date.parse(value) - Date.parse(answer.headers.get('Date') ?? '')) / 1000
  return seconds >= 0 ? Math.min(seconds, 86_400) : undefined
}

/** `work`, or the end of `signal`, whichever comes first. */
export function untilAborted<T>(work: T | Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(failure(signal?.reason, signal))
    if (signal?.aborted) give()
    signal?.addEventListener('abort', give, { once: true })
    void Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', give))
  })
}

async function pause(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))
  await untilAborted(end, signal).finally(() => clearTimeout(timer))
}
