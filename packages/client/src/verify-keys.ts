/** Milliseconds. The server lets its key set be kept for five minutes: so long may a retired key go on verifying. */
const maxAge = 300_000
/** Within the last of them, the set is renewed beside the work: where tokens keep coming, none waits. */
const renewAfter = 240_000
/**
 * While the server can't be reached, its last keys serve for a day: an outage or a cut line is over by then,
 * and nobody who holds a retired key keeps it alive for longer by cutting the line.
 */
const maxStale = 86_400_000
/** Between two requests: anybody can send a token that names an unknown key. */
const cooldown = 5000
/** Characters: some 250 keys. The server has three at most. */
const maxLength = 65_536

export interface KeySourceOptions {
  /** Of the JWK Set (RFC 7517 §5). */
  url: string
  fetch: typeof fetch
  now: () => number
  /** Milliseconds. */
  timeout: number
}

/** The public keys of the server, by `kid`. */
export interface KeySource {
  /**
   * The key, or undefined where the server has none of that name. Rejects with what went wrong where that
   * can't be said, because the last request failed, and with the signal's reason.
   */
  find(kid: string, signal?: AbortSignal): Promise<CryptoKey | undefined>
}

/** Keeps the keys at `url`. Asks for them when the first one is looked for, and opens no timer but those of requests. */
export function createKeySource({ url, fetch, now, timeout }: KeySourceOptions): KeySource {
  let keys: ReadonlyMap<string, CryptoKey> = new Map()
  let failure: { cause: unknown } | undefined
  /** When `keys` were asked for, and when any request began last, and ended. */
  let readAt = -Infinity
  let begunAt = -Infinity
  let endedAt = -Infinity
  let pending: Promise<void> | undefined
  /** Of Cloudflare or Vercel: what one of their requests waits for can't serve another, and ends with its answer. */
  const isWorker = 'WebSocketPair' in globalThis || 'EdgeRuntime' in globalThis

  /** By whichever way the clock was set meanwhile. */
  const age = (time: number) => Math.abs(now() - time)
  const known = (kid: string) => (age(readAt) < maxStale ? keys.get(kid) : undefined)

  async function request(): Promise<void> {
    const startedAt = (begunAt = now())
    try {
      // Timers take whole milliseconds, up to 2 ** 31.
      const deadline = AbortSignal.timeout(Math.ceil(Math.min(timeout, 2 ** 31 - 1)))
      keys = await withSignal(readKeys(fetch, url, deadline), deadline)
      readAt = startedAt
      failure = undefined
    } catch (cause) {
      failure = { cause }
    }
    endedAt = now()
    pending = undefined
  }

  /** Never rejects. One request at a time serves all. */
  function renew(): Promise<void> {
    if (pending && !isWorker) return pending
    // Where none can wait for another's, one asks while the others go on with the keys that there are.
    const asked = age(begunAt) < cooldown && age(readAt) < maxAge
    if (asked || age(endedAt) < cooldown) return Promise.resolve()
    return (pending = request())
  }

  return {
    async find(kid, signal) {
      if (age(readAt) >= renewAfter) {
        const renewal = renew()
        // Where an attempt failed lately, the old keys serve and the next attempts are nobody's delay.
        if (isWorker || age(endedAt) >= maxAge) await withSignal(renewal, signal)
      }
      if (!known(kid)) await withSignal(renew(), signal)
      const key = known(kid)
      if (!key && failure) throw failure.cause
      return key
    },
  }
}

async function readKeys(fetch: KeySourceOptions['fetch'], url: string, signal: AbortSignal) {
  const response = await fetch(url, { headers: { Accept: 'application/json' }, redirect: 'manual', signal }) // 'error' is unknown to workers
  const text = await readText(response)
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  const { keys }: { keys: unknown[] } = JSON.parse(text)
  const imported = await Promise.all(keys.map((jwk) => importKey(jwk as JsonWebKey).catch(() => undefined)))
  const usable = new Map(imported.filter((entry) => entry !== undefined))
  if (usable.size === 0) throw new Error(`${url} has no key that verifies ES256`)
  return usable
}

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxLength) throw new Error('a key set is shorter')
  }
  return text + decoder.decode()
}

/** Of an ES256 key, the public members alone (RFC 7518 §6.2.1); undefined for any other. Rejects for no point of the curve. */
async function importKey(jwk: JsonWebKey & { kid?: unknown }): Promise<[kid: string, key: CryptoKey] | undefined> {
  const { kty, crv, x, y, kid, alg, use } = jwk
  if (kty !== 'EC' || crv !== 'P-256' || alg !== 'ES256' || use !== 'sig' || typeof kid !== 'string') return undefined
  if (typeof x !== 'string' || typeof y !== 'string') return undefined
  const algorithm = { name: 'ECDSA', namedCurve: crv }
  return [kid, await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, false, ['verify'])]
}

/** The outcome of `work`, which goes on, or the signal's reason if that comes first. */
async function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
