import type { Context } from 'hono'
import { type Hop, readForwarded, readForwardedFor } from './forwarded.ts'
import { type Network, isWithin, normalizeAddress, parseNetwork } from './ip-address.ts'

/** The proxies that are believed: so many in a row before this server, or those in these networks. */
export type TrustedProxies = { hops: number } | { networks: readonly Network[] }

/** The header that the proxies write. */
export type ForwardingHeader = 'x-forwarded-for' | 'forwarded'

export interface ForwardingRules {
  /** Undefined: nobody is believed. */
  trustedProxies: TrustedProxies | undefined
  /** Undefined: whichever is there. */
  forwardedHeader: ForwardingHeader | undefined
}

/** What a request says of where it came from. */
export interface Origins {
  /** The address at the other end of the connection. */
  peer: string | undefined
  forwardedFor: string | undefined
  forwarded: string | undefined
}

/** The address of the client of a request; undefined where it can't be known. */
export type ClientAddress = (c: Context) => string | undefined

/** Computed where it is asked for: most requests don't need it. */
export function createClientAddress(rules: ForwardingRules, addressOf: (bindings: unknown) => string | undefined): ClientAddress {
  return function clientAddressOf(c) {
    const forwardedFor = c.req.header('X-Forwarded-For')
    return clientAddress({ peer: addressOf(c.env), forwardedFor, forwarded: c.req.header('Forwarded') }, rules)
  }
}

/**
 * The client's address as far as it can be believed. Two headers that name different clients are both disbelieved: a proxy
 * that writes one lets the other through as the client sent it, and which one that is can't be seen.
 */
export function clientAddress({ peer, forwardedFor, forwarded }: Origins, rules: ForwardingRules): string | undefined {
  const { trustedProxies: trusted, forwardedHeader } = rules
  const nearest = peer === undefined ? undefined : normalizeAddress(peer)
  if (!trusted || !mayForward(nearest, trusted)) return nearest
  const named: Hop[] = []
  if (forwardedFor && forwardedHeader !== 'forwarded') named.push(choose(readForwardedFor(forwardedFor), trusted, nearest))
  if (forwarded && forwardedHeader !== 'x-forwarded-for') named.push(choose(readForwarded(forwarded), trusted, nearest))
  const [first, second] = named
  const agree = named.length === 1 || (named.length === 2 && first === second)
  return agree ? first : nearest
}

/** Whether the peer's headers count. With a number of hops every peer is the first of them. */
function mayForward(peer: string | undefined, trusted: TrustedProxies): boolean {
  return 'hops' in trusted || (peer !== undefined && isWithin(peer, trusted.networks))
}

/** The one of `hops`, the nearest first, that is the client: past the trusted ones, or else the farthest. */
function choose(hops: Iterable<Hop>, trusted: TrustedProxies, nearest: Hop): Hop {
  let farthest = nearest
  let count = 0
  for (const hop of hops) {
    farthest = hop
    count += 1
    const isProxy = 'hops' in trusted ? count < trusted.hops : hop !== undefined && isWithin(hop, trusted.networks)
    if (!isProxy) return hop
  }
  return farthest
}

const maxHops = 16

/** Reads a number of hops, or networks and addresses separated by commas; undefined for anything else. */
export function parseTrustedProxies(text: string): TrustedProxies | undefined {
  if (/^\d+$/.test(text)) {
    const hops = Number(text)
    return hops >= 1 && hops <= maxHops ? { hops } : undefined
  }
  const networks = text.split(',').map((entry) => parseNetwork(entry.trim()))
  return networks.every((network) => network !== undefined) ? { networks } : undefined
}
