import ipaddr from 'ipaddr.js'

/** A network: an address, and how many of its first bits count. */
export type Network = [address: ReturnType<typeof ipaddr.parse>, bits: number]

/** The one spelling of an address, or undefined for what is none. An IPv4 address in IPv6's form is taken as what it is. */
export function normalizeAddress(text: string): string | undefined {
  return parseAddress(text)?.toString()
}

/** The network that an address is in: so many of its first bits, the rest 0. Undefined for what is no address. */
export function networkOf(address: string, bits: { ipv4: number; ipv6: number }): string | undefined {
  const parsed = parseAddress(address)
  if (!parsed) return undefined
  const length = bits[parsed.kind()]
  const bytes = parsed.toByteArray().map((byte, index) => (index < length / 8 ? byte : 0))
  return `${ipaddr.fromByteArray(bytes).toString()}/${length}`
}

/** Reads `10.0.0.0/8` or an address alone; undefined for what is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits] = text.split('/', 2)
  const parsed = parseSpelled(address)
  if (!parsed || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined
  const whole = 8 * parsed.toByteArray().length
  const length = bits === undefined ? whole : Number(bits)
  if (length > whole || text.split('/').length > 2) return undefined
  const mapped = 'isIPv4MappedAddress' in parsed && parsed.isIPv4MappedAddress() && length >= 96
  return mapped ? [parsed.toIPv4Address(), length - 96] : [parsed, length]
}

/** Whether a normalized address is in one of `networks`. */
export function isWithin(address: string, networks: readonly Network[]): boolean {
  const parsed = ipaddr.parse(address)
  return networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match([network, bits]))
}

/** Whether a normalized address is of this machine or a private network, and not the Internet's. */
export const isPrivate = (address: string): boolean => privateRanges.has(ipaddr.parse(address).range())

const privateRanges = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat', 'unspecified'])

function parseAddress(text: string) {
  const parsed = parseSpelled(text)
  return parsed && ipaddr.process(parsed.toString())
}

/** ipaddr.js also reads what the C library does, such as `127.1` and `0x7f.1`; no peer and no proxy writes that. */
function parseSpelled(text: string) {
  const address = text.replace(/%[\w.-]+$/, '') // the zone of a link-local address: the interface that it came by
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
  return isAddress ? ipaddr.parse(address) : undefined
}
