import { expect, test } from 'vitest'
import { describeDevice } from './device.ts'

test.each([
  ['203.0.113.77', '203.0.113.0/24'],
  ['::ffff:203.0.113.77', '203.0.113.0/24'],
  ['2001:db8:1234:5678:9abc::1', '2001:db8:1234::/48'],
  ['::1', '::/48'],
  ['fe80::1%eth0', 'fe80::/48'],
  ['no address', null],
  ['', null],
  [undefined, null],
])('describeDevice() keeps of the address %s the network %s', (address, addressPrefix) => {
  expect(describeDevice(undefined, address)).toEqual({ userAgent: null, addressPrefix })
})

test.each([
  [undefined, null],
  ['a telephone/1.0', 'a telephone/1.0'],
  ['x'.repeat(300), 'x'.repeat(256)],
  ['NUL \0 and \ud800 alone', 'NUL  and \ufffd alone'],
  [`${'x'.repeat(255)}\u{1f600}`, `${'x'.repeat(255)}\ufffd`],
])('describeDevice() keeps of a User-Agent what PostgreSQL can store', (userAgent, kept) => {
  expect(describeDevice(userAgent, undefined)).toEqual({ userAgent: kept, addressPrefix: null })
})
