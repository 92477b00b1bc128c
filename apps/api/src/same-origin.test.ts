import { expect, test } from 'vitest'
import { isSameOrigin } from './same-origin.ts'

const own = 'https://accounts.example.com'
const host = 'accounts.example.com'

test.each<[string, Partial<Parameters<typeof isSameOrigin>[0]>, boolean]>([
  ['a page of ours', { site: 'same-origin', origin: own }, true],
  ['a page of ours, behind a proxy that renames the host', { site: 'same-origin', origin: own, host: '10.0.0.7:8000' }, true],
  ['another site', { site: 'cross-site', origin: 'https://evil.example' }, false],
  ['another host of the same site', { site: 'same-site', origin: 'https://blog.example.com' }, false],
  ['another site that claims our origin', { site: 'cross-site', origin: own }, false],
  ['the address bar', { site: 'none' }, false],
  ['nobody knows where', {}, false],
  ['an older browser, on a page of ours', { origin: own }, true],
  ['an older browser, by the name in Host', { origin: 'http://127.0.0.1:8000', host: '127.0.0.1:8000' }, true],
  ['an older browser, on another page', { origin: 'https://evil.example' }, false],
  ['an older browser, on a page whose name begins like ours', { origin: `${own}.evil.example` }, false],
  ['an older browser, on another port', { origin: `${own}:8443` }, false],
  ['a sandboxed frame', { origin: 'null' }, false],
  ['a sandboxed frame, without Host', { origin: 'null', host: undefined }, false],
  ['an origin that is none', { origin: 'accounts.example.com' }, false],
  ['an older browser, by another scheme', { origin: `ftp://${host}` }, false],
  ['an older browser, with a user', { origin: `https://x@${host}` }, false],
  ['an older browser, with a path', { origin: `https://${host}/x` }, false],
  ['a site in capital letters', { site: 'SAME-ORIGIN' }, false],
])('isSameOrigin() of a request from %s', (_name, request, expected) => {
  expect(isSameOrigin({ site: undefined, origin: undefined, host, ...request }, own)).toBe(expected)
})
