import { normalizeAddress } from './ip-address.ts'

/** Whom a proxy got a request from: an address, or undefined where it names none that can be read. */
export type Hop = string | undefined

/** Entries that are looked at: those of the nearest proxies, who write at the end. */
const nearest = 64

/** The hops that `X-Forwarded-For` names, the last one first. */
export function* readForwardedFor(header: string): Generator<Hop> {
  for (const entry of header.split(',').slice(-nearest).toReversed()) {
    if (entry.trim() !== '') yield readNode(entry.trim())
  }
}

/**
 * The hops that `Forwarded` names (RFC 7239 §4), the last one first. Read from the end, the shortest well-formed
 * element at a time: a quote that a client opened and never closed must not swallow what a proxy wrote after it.
 */
export function* readForwarded(header: string): Generator<Hop> {
  let rest: string | undefined
  for (const part of header.split(',').slice(-nearest).toReversed()) {
    rest = rest === undefined ? part : `${part},${rest}`
    const pairs = rest.trim() === '' ? [] : readPairs(rest)
    if (!pairs) continue
    rest = undefined
    if (pairs.length > 0) yield hopOf(pairs)
  }
  if (rest !== undefined) yield undefined
}

type Pair = readonly [name: string, value: string]

const pair = /\s*([!#$%&'*+.^`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]+))\s*(;|$)/y

/** The parameters of an element, or undefined where it is not well-formed. */
function readPairs(element: string): Pair[] | undefined {
  const pairs: Pair[] = []
  for (let position = 0; position < element.length; position = pair.lastIndex) {
    pair.lastIndex = position
    const [, name, quoted, token = ''] = pair.exec(element) ?? []
    if (name === undefined) return undefined
    pairs.push([name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token])
  }
  return pairs
}

/** No parameter may stand twice (RFC 7239 §4). */
function hopOf(pairs: readonly Pair[]): Hop {
  const [node, second] = pairs.filter(([name]) => name === 'for')
  return node && !second ? readNode(node[1]) : undefined
}

const node = /^(?:\[([\da-f:.]+)\]|([\d.]+)|([\da-f:.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/i

/** An address, bare or in brackets, with or without a port (RFC 7239 §6). `unknown` and `_hidden` are none. */
function readNode(text: string): Hop {
  const [, bracketed, ipv4, bare] = node.exec(text) ?? []
  const address = bracketed ?? ipv4 ?? bare
  return address === undefined ? undefined : normalizeAddress(address)
}
