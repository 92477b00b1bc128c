import { describe, expect, test } from 'vitest'
import { isAmbiguous } from './framing.ts'

describe('isAmbiguous()', () => {
  test.each<[rawHeaders: string[], httpVersion: string, verdict: boolean]>([
    [[], '1.0', false],
    [['Host', 'a'], '1.1', false],
    [['Host', 'a', 'Host', 'b'], '1.1', true],
    [['host', 'a', 'HOST', 'a'], '1.1', true],
    [['Host', 'a', 'X-A', 'Host'], '1.1', false],
    [['Host', 'a', 'Ghost', 'b', 'Most', 'c'], '1.1', false],
    [['Host', 'a', 'Transfer-Encoding', 'chunked'], '1.1', false],
    [['Host', 'a', 'transfer-encoding', 'Chunked'], '1.1', false],
    [['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'], '1.1', true],
    [['Host', 'a', 'Transfer-Encoding', 'identity'], '1.1', true],
    [['Host', 'a', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'identity'], '1.1', true],
    [['Transfer-Encoding', 'chunked'], '1.0', true],
  ])('%j in HTTP/%s: %s', (rawHeaders, httpVersion, verdict) => {
    expect(isAmbiguous({ rawHeaders, httpVersion })).toBe(verdict)
  })
})
