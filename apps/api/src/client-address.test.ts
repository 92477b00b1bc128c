import { describe, expect, test } from 'vitest'
import { type ForwardingRules, type Origins, clientAddress, parseTrustedProxies } from './client-address.ts'

const proxy = '10.0.0.1'
const client = '203.0.113.7'
const spoofed = '198.51.100.9'

/** `TRUSTED_PROXIES`, and `FORWARDED_HEADER` where it is set. */
function rules(trusted: string, forwardedHeader?: ForwardingRules['forwardedHeader']): ForwardingRules {
  const trustedProxies = trusted === '' ? undefined : parseTrustedProxies(trusted)
  if (trusted !== '' && !trustedProxies) throw new Error(`${trusted} is not read`)
  return { trustedProxies, forwardedHeader }
}

function expectClient(trusted: string, request: Partial<Origins>, expected: string | undefined, header?: 'forwarded') {
  const origins = { peer: proxy, forwardedFor: undefined, forwarded: undefined, ...request }
  expect(clientAddress(origins, rules(trusted, header))).toBe(expected)
}

describe('clientAddress() without trusted proxies is the peer', () => {
  test.each<[Partial<Origins>, string | undefined]>([
    [{}, proxy],
    [{ forwardedFor: spoofed }, proxy],
    [{ forwarded: `for=${spoofed}` }, proxy],
    [{ peer: '::ffff:203.0.113.7' }, client],
    [{ peer: '::FFFF:CB00:7107' }, client],
    [{ peer: '2001:DB8:0:0::1' }, '2001:db8::1'],
    [{ peer: 'fe80::1%eth0' }, 'fe80::1'],
    [{ peer: undefined, forwardedFor: spoofed }, undefined],
    [{ peer: '' }, undefined],
    [{ peer: '/run/gatehouse.sock' }, undefined],
  ])('%j', (request, expected) => expectClient('', request, expected))
})

describe('clientAddress() with trusted networks takes the nearest address outside of them', () => {
  const networks = '127.0.0.1, 10.0.0.0/8, fd00::/8'
  test.each<[Partial<Origins>, string | undefined]>([
    [{}, proxy],
    [{ forwardedFor: client }, client],
    [{ peer: '::ffff:10.9.9.9', forwardedFor: client }, client],
    [{ peer: 'fd12::1', forwardedFor: client }, client],
    // Who is no proxy says what it likes.
    [{ peer: '203.0.113.200', forwardedFor: spoofed }, '203.0.113.200'],
    [{ peer: '127.0.0.2', forwardedFor: spoofed }, '127.0.0.2'],
    [{ peer: undefined, forwardedFor: spoofed }, undefined],
    // What a client sent stands on the left of what the proxy saw.
    [{ forwardedFor: `${spoofed}, ${client}` }, client],
    [{ forwardedFor: `${spoofed},${client},10.0.0.2 , 10.0.0.3` }, client],
    [{ forwardedFor: `10.0.0.9, ${client}` }, client],
    [{ forwardedFor: `nonsense, ${client}` }, client],
    [{ forwardedFor: '10.0.0.9, 10.0.0.3' }, '10.0.0.9'],
    [{ forwardedFor: 'fd00::9, 10.0.0.3' }, 'fd00::9'],
    [{ forwardedFor: '' }, proxy],
    [{ forwardedFor: ' , ,' }, proxy],
    [{ forwardedFor: `${client},,` }, client],
    // Nobody knows whose an unreadable entry is, and nobody shares its limits.
    [{ forwardedFor: `${client}, nonsense` }, undefined],
    [{ forwardedFor: `${client}, unknown, 10.0.0.2` }, undefined],
    [{ forwardedFor: '203.0.113.7.' }, undefined],
    [{ forwardedFor: '203.0.113.256' }, undefined],
    [{ forwardedFor: '0xcb.0.113.7' }, undefined],
    [{ forwardedFor: '203.113.7' }, undefined],
    [{ forwardedFor: '"203.0.113.7"' }, undefined],
    [{ forwardedFor: '203.0.113.7 203.0.113.8' }, undefined],
    [{ forwardedFor: '<script>' }, undefined],
    // Ports and brackets.
    [{ forwardedFor: '203.0.113.7:4711' }, client],
    [{ forwardedFor: '2001:db8::1' }, '2001:db8::1'],
    [{ forwardedFor: '[2001:db8::1]' }, '2001:db8::1'],
    [{ forwardedFor: '[2001:db8::1]:4711' }, '2001:db8::1'],
    [{ forwardedFor: '::ffff:203.0.113.7' }, client],
    [{ forwardedFor: '[::ffff:203.0.113.7]:4711' }, client],
    [{ forwardedFor: '203.0.113.7:port' }, undefined],
    [{ forwardedFor: '[2001:db8::1' }, undefined],
  ])('%j', (request, expected) => expectClient(networks, request, expected))

  test.each(['::ffff:10.0.0.0/104', '10.1.2.3/8', '10.0.0.1', '10.0.0.1/32', '192.0.2.1, 10.0.0.0/31'])('as %s', (networks) =>
    expectClient(networks, { forwardedFor: client }, client),
  )

  test.each(['10.0.0.2', '192.0.2.1, 2001:db8::/32', '::/0', '10.0.0.2/31'])(
    'and not as %s, where the proxy is not',
    (networks) => expectClient(networks, { forwardedFor: client }, proxy),
  )
})

describe('clientAddress() with a number of hops counts from the right, the peer being the first', () => {
  test.each<[hops: string, Partial<Origins>, string | undefined]>([
    ['1', {}, proxy],
    ['1', { forwardedFor: client }, client],
    ['1', { forwardedFor: `${spoofed}, ${client}` }, client],
    ['2', { forwardedFor: `${spoofed}, ${client}, 10.0.0.2` }, client],
    ['2', { forwardedFor: `${spoofed}, ${client}, ${proxy}` }, client],
    ['2', { forwardedFor: `${spoofed}, nonsense, ${proxy}` }, undefined],
    ['2', { forwardedFor: `${client}, nonsense` }, client],
    ['3', { forwardedFor: `${client}, 10.0.0.2` }, client],
    ['16', { forwardedFor: client }, client],
    ['1', { forwardedFor: 'nonsense' }, undefined],
    ['1', { peer: undefined, forwardedFor: client }, client],
    ['2', { forwarded: `for=${spoofed}, for=${client}, for=10.0.0.2` }, client],
  ])('%s: %j', (hops, request, expected) => expectClient(hops, request, expected))
})

describe('clientAddress() reads Forwarded as RFC 7239 has it', () => {
  test.each<[string, string | undefined]>([
    [`for=${client}`, client],
    [`For=${client};Proto=https;by=203.0.113.43`, client],
    [`proto=http; by=10.0.0.1 ; for="${client}:4711"`, client],
    ['for="[2001:db8::1]:4711"', '2001:db8::1'],
    ['for="[2001:DB8::1]"', '2001:db8::1'],
    ['for="2\\0\\3.0.113.7"', client],
    [`for="${client}:_port"`, client],
    [`for=${client}:80`, client],
    [`for=${spoofed}, for=${client}`, client],
    [`for=${spoofed},for=${client},for=10.0.0.2`, client],
    [`host="a, for=${spoofed}";for=${client}`, client],
    [`for=${client};host="a, for=${spoofed}"`, client],
    [`for="a, b", for=${client}`, client],
    // A client can't hide what the proxy adds to its header.
    [`for=", for=${client}`, client],
    [`for="x\\", for="${client}"`, client],
    [`for=${spoofed};x=", for="[2001:db8::1]"`, '2001:db8::1'],
    [`for=${spoofed};;, for=${client}`, client],
    // Hidden, unknown, missing, unreadable.
    ['for=_hidden', undefined],
    ['for="_hidden:_port"', undefined],
    ['for=unknown', undefined],
    ['proto=https', undefined],
    [`for=${client};for=${spoofed}`, undefined],
    [`for=${client}, by=10.0.0.1`, undefined],
    [`for=${client}, nonsense`, undefined],
    [`for=${client}, for="`, undefined],
    [client, undefined],
    ['=', undefined],
    [',', proxy],
  ])('%s', (forwarded, expected) => expectClient('10.0.0.0/8', { forwarded }, expected))

  test.each(['"', ',', 'a="', ',a="', ',a=";b="', '\\', ';', ',b"', `for=${spoofed},`, ' '])(
    'and 16 KiB of %j on the left are read in no time, and change nothing',
    (part) => {
      const times = Array.from({ length: 4 }, () => {
        const begun = performance.now()
        expectClient('2', { forwarded: `${part.repeat(16_384 / part.length)}, for=${client}, for=10.0.0.2` }, client)
        for (const trusted of ['16', '0.0.0.0/0']) {
          const forwarded = part.repeat(16_384 / part.length)
          clientAddress({ peer: proxy, forwardedFor: undefined, forwarded }, rules(trusted))
        }
        return performance.now() - begun
      })
      expect(Math.min(...times)).toBeLessThan(250) // what else the machine does makes a time longer, never shorter
    },
  )
})

describe('clientAddress() with both headers', () => {
  const both = { forwardedFor: client, forwarded: `for=${spoofed}` }
  test.each<[string, Partial<Origins>, string | undefined, ForwardingRules['forwardedHeader']?]>([
    ['that agree takes what they say', { ...both, forwarded: `for="${client}:80"` }, client],
    ['that differ believes neither', both, proxy],
    ['of which one names nobody believes neither', { ...both, forwarded: 'for=unknown' }, proxy],
    ['that both name nobody knows nobody', { forwardedFor: 'x', forwarded: 'for=unknown' }, undefined],
    ['reads the one that is set', both, spoofed, 'forwarded'],
    ['reads the other one that is set', both, client, 'x-forwarded-for'],
    ['does not read the one that is not set', { forwardedFor: spoofed }, proxy, 'forwarded'],
    ['does not read the other that is not set', { forwarded: `for=${spoofed}` }, proxy, 'x-forwarded-for'],
  ])('%s', (_name, request, expected, header) => {
    const origins = { peer: proxy, forwardedFor: undefined, forwarded: undefined, ...request }
    for (const trusted of ['1', '10.0.0.0/8']) expect(clientAddress(origins, rules(trusted, header))).toBe(expected)
  })
})
