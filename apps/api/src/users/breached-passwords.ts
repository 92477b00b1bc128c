import type { Clock, Log } from '../context.ts'

/** Whether a normalized password is known from data breaches. */
export type IsBreached = (password: string) => Promise<boolean>

/** Where nobody is asked. */
export const neverBreached: IsBreached = () => Promise.resolve(false)

/** The check at the configured range API, where there is one. */
export const breachCheckAt = (url: string | undefined, background: { clock: Clock; log: Log }): IsBreached =>
  url === undefined ? neverBreached : createBreachCheck({ url, ...background })

/** Milliseconds that a service may take. */
const patience = 1_000

/** Bytes of an answer, unpacked: several times the largest. */
const maxAnswerSize = 512 * 1024

/** Milliseconds between two warnings. */
const warningInterval = 60_000

export interface BreachCheckOptions {
  /** The range API without the final slash; `GET <url>/<5 hex digits>` answers lines of `SUFFIX:COUNT`. */
  url: string
  clock: Clock
  log: Log
  timeout?: number
}

/**
 * Asks a service that learns five of the forty hex digits of the password's SHA-1, and no more. What it answers is compared
 * here. Where it does not answer as it should, the password passes: nobody is locked out because another service is away.
 */
export function createBreachCheck({ url, clock, log, timeout = patience }: BreachCheckOptions): IsBreached {
  const warn = createWarning(clock, log)
  return async function isBreached(password) {
    const digest = await sha1(password)
    try {
      return lists(await fetchRange(`${url}/${digest.slice(0, 5)}`, timeout), digest.slice(5))
    } catch (error) {
      warn(reasonOf(error))
      return false
    }
  }
}

/** The service answered something that is no range. */
class NoRange extends Error {}

async function fetchRange(url: string, timeout: number): Promise<string> {
  const response = await fetch(url, {
    // Padding hides from who watches the wire which range was asked for.
    headers: { 'Add-Padding': 'true', Accept: 'text/plain', 'User-Agent': 'gatehouse' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  })
  if (response.status === 200 && response.body) return readText(response.body)
  await response.body?.cancel()
  throw new NoRange(`it answered ${response.status}`)
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let text = ''
  for (let size = 0; ;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.length
    if (size > maxAnswerSize) {
      await reader.cancel()
      throw new NoRange('its answer is too long')
    }
    text += decoder.decode(value, { stream: true })
  }
}

const entry = /^([0-9A-F]{35}):(\d+)$/i

/** Whether `suffix` is in the range. A count of 0 is padding. */
function lists(range: string, suffix: string): boolean {
  const entries = range.split(/\r?\n/).filter((line) => line !== '')
  return entries.some((line) => {
    const [, found, count] = entry.exec(line) ?? []
    if (found === undefined) throw new NoRange('its answer is not a range')
    return found.toUpperCase() === suffix && Number(count) > 0
  })
}

/** The range API knows nothing else: collisions of SHA-1 would only refuse one password more. */
async function sha1(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

/** Never the error's own words, which may hold the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof NoRange) return error.message
  return error instanceof Error && error.name === 'TimeoutError' ? 'it took too long' : 'it can’t be reached'
}

/** Warns at most once a minute, and says how many passwords went unchecked since the last time. */
function createWarning(clock: Clock, log: Log) {
  let last = -Infinity
  let unchecked = 0
  return function warn(reason: string): void {
    unchecked += 1
    const now = clock().getTime()
    if (now - last < warningInterval) return
    log.warn({ reason, unchecked }, 'BREACHED_PASSWORDS_URL does not answer: new passwords are accepted without it')
    last = now
    unchecked = 0
  }
}
