import { networkOf } from '../ip-address.ts'
import type { Device } from './queries.ts'

/** Characters of a User-Agent that are kept. */
const userAgentMaxLength = 256

/** Bits that name the network, and not the host. */
const prefixLengths = { ipv4: 24, ipv6: 48 }

/** What is kept of where a sign-in came from: enough to know it again, not to find somebody. */
export function describeDevice(userAgent: string | undefined, address: string | undefined): Device {
  return {
    userAgent: userAgent === undefined ? null : storable(userAgent.slice(0, userAgentMaxLength)),
    addressPrefix: (address !== undefined && networkOf(address, prefixLengths)) || null,
  }
}

/** PostgreSQL's text holds no NUL and no lone surrogate; a header holds neither, another caller may. */
const storable = (text: string) => text.toWellFormed().replaceAll('\0', '')
