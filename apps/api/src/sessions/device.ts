import ipaddr from 'ipaddr.js'
import type { Device } from './queries.ts'

/** Characters of a User-Agent that are kept. */
const userAgentMaxLength = 256

/** What is kept of where a sign-in came from: enough to know it again, not to find somebody. */
export function describeDevice(userAgent: string | undefined, address: string | undefined): Device {
  return {
    userAgent: userAgent === undefined ? null : storable(userAgent.slice(0, userAgentMaxLength)),
    addressPrefix: (address !== undefined && networkOf(address)) || null,
  }
}

/** The network of an address: its first 24 bits in IPv4, its first 48 in IPv6. */
function networkOf(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined
  const { bytes, length } = networkBytes(address)
  const network = ipaddr.fromByteArray(bytes.map((byte, index) => (index < length / 8 ? byte : 0)))
  return `${network.toString()}/${length}`
}

function networkBytes(address: string): { bytes: number[]; length: number } {
  const parsed = ipaddr.process(address) // an IPv4 address in IPv6's form is taken as what it is
  return { bytes: parsed.toByteArray(), length: parsed.kind() === 'ipv4' ? 24 : 48 }
}

/** PostgreSQL's text holds no NUL and no lone surrogate; a header holds neither, another caller may. */
const storable = (text: string) => text.toWellFormed().replaceAll('\0', '')
