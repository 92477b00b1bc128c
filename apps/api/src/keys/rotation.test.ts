import { expect, test } from 'vitest'
import { type KeyLife, type RotationStep, planRotation, rotationRules } from './rotation.ts'

const now = new Date('2027-01-15T08:00:00Z')
const rules = { maxAge: 10_000, publishLead: 600, overlap: 2_400 }

/** A key that came into its state so many seconds ago, and was published at that time or earlier. */
function key(state: KeyLife['state'], age: number, options: { kid?: string; publishedAge?: number } = {}): KeyLife {
  const { kid = state, publishedAge = age } = options
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)
  return { kid, state, createTime: ago(publishedAge), stateTime: ago(age) }
}

const promote = { step: 'promote', kid: 'next' } as const
const retire = { step: 'retire', kid: 'previous' } as const

test.each<[string, KeyLife[], RotationStep | undefined]>([
  ['no key at all', [], undefined],
  ['a current key just made', [key('current', 0)], undefined],
  ['a current key from the future', [key('current', -50)], undefined],
  ['a current key that still has its lead', [key('current', 9_400)], undefined],
  ['a current key in its lead', [key('current', 9_400.001)], { step: 'publish' }],
  ['a current key long over age', [key('current', 1e9)], { step: 'publish' }],
  ['a current key published long ago that signs since just now', [key('current', 10, { publishedAge: 1e6 })], undefined],
  ['only retired keys and an old current one', [key('retired', 1e9), key('current', 1e9)], { step: 'publish' }],
  ['a next key just made', [key('current', 9_500), key('next', 0)], undefined],
  ['a next key a moment before its time', [key('current', 1e9), key('next', 599.999)], undefined],
  ['a next key at its time', [key('current', 10_000), key('next', 600)], promote],
  ['a next key that was asked for while the current one is young', [key('current', 700), key('next', 600)], promote],
  ['a next key without a current one', [key('next', 600)], promote],
  [
    'two next keys, of which the older one goes first',
    [key('current', 5_000), key('next', 700, { kid: 'younger' }), key('next', 800)],
    promote,
  ],
  ['a previous key that just stopped signing', [key('current', 0), key('previous', 0, { publishedAge: 1e6 })], undefined],
  ['a previous key at the end of its overlap', [key('current', 2_400), key('previous', 2_400)], undefined],
  ['a previous key past its overlap', [key('current', 2_401), key('previous', 2_401)], retire],
  ['a previous key past its overlap beside a next key whose time has come', [key('previous', 2_401), key('next', 600)], retire],
  [
    'two previous keys, of which one is past its overlap',
    [key('current', 9), key('previous', 9, { kid: 'younger' }), key('previous', 2_401)],
    retire,
  ],
])('planRotation() of %s', (_name, keys, step) => {
  expect(planRotation(keys, now, rules)).toEqual(step)
  expect(planRotation(keys.toReversed(), now, rules)).toEqual(step)
})

test('rotationRules() publish a key before verifiers stop believing their copy, and keep it past its last token', () => {
  const jwksCache = 300
  const reload = 30
  for (const accessTokenTtl of [30, 1800, 86_400]) {
    const { maxAge, publishLead, overlap } = rotationRules({ signingKeyMaxAge: 3600, accessTokenTtl })
    expect(publishLead).toBeGreaterThan(jwksCache + reload)
    expect(publishLead).toBeLessThan(maxAge)
    expect(overlap).toBeGreaterThan(accessTokenTtl + jwksCache + reload)
  }
})

test('planRotation() always leaves one key that signs, and each key verifies its last token, over ten years', () => {
  const rules = rotationRules({ signingKeyMaxAge: 90 * 86_400, accessTokenTtl: 1800 })
  const hour = 3600_000
  let time = now.getTime()
  let keys: KeyLife[] = [key('current', 0, { kid: 'key 0' })]
  const move = (kid: string, state: KeyLife['state']) =>
    keys.map((key) => (key.kid === kid ? { ...key, state, stateTime: new Date(time) } : key))
  const apply = (step: RotationStep) => {
    const at = new Date(time)
    if (step.step === 'publish') keys = [...keys, { kid: `key ${keys.length}`, state: 'next', createTime: at, stateTime: at }]
    if (step.step === 'retire') keys = move(step.kid, 'retired')
    if (step.step !== 'promote') return
    for (const { kid, state } of keys) if (state === 'current') keys = move(kid, 'previous')
    keys = move(step.kid, 'current')
  }
  for (const end = time + 87_600 * hour; time < end; time += hour) {
    for (let step = planRotation(keys, new Date(time), rules); step; step = planRotation(keys, new Date(time), rules)) apply(step)
    const states = keys.map(({ state }) => state).filter((state) => state !== 'retired')
    expect(states.filter((state) => state === 'current')).toHaveLength(1)
    expect(states.length).toBeLessThanOrEqual(2)
  }
  expect(keys).toHaveLength(41)
})
