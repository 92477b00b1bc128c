import type { IncomingMessage } from 'node:http'

/**
 * Whether another server on the way may have read the request otherwise: where it ends, or whom it is for. The parsers
 * of the runtimes refuse most of that themselves, but not two Host lines (RFC 9112 §3.2), a transfer coding that nobody
 * here undoes, and any in HTTP/1.0 (§6.1).
 */
export function isAmbiguous({ rawHeaders, httpVersion }: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (httpVersion === '1.0' || rawHeaders[i + 1]?.toLowerCase() !== 'chunked') return true
    }
  }
  return hosts > 1
}
