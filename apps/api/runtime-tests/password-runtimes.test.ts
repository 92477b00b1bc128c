import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { hashVectors } from './hash-vectors.ts'
import type { Question, Report } from './password-report.ts'
import { type Runtime, repository, runtimeCommand } from './server.ts'

const runtimes: Runtime[] = ['node', 'bun', 'deno']
const picked: Record<Runtime, string> = { node: 'node:crypto', bun: 'node:crypto', deno: 'webcrypto' }

/** argon2id vectors of the reference implementation's own tests, small enough for the portable one. */
const vectors: [password: string, salt: string, memory: number, passes: number, parallelism: number, tag: string][] = [
  ['password', 'somesalt', 256, 2, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
  ['password', 'somesalt', 256, 2, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
  ['password', 'somesalt', 65_536, 2, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
]

const special =
  'aAßẞıİiIſKÅσςΣΐΰᾳᾼιΙαΑµμﬁﬃΌǅǆǄŉԷևｱ゛ガ가각ᄀㄱ①㎏Ⅷ½ªᎠꭰᲐაⒶ𝐀𐐀\u0345\u0301\u0323\u0308\u0307\u00AD\u200D\u3164\u202E🦊'
const characters = Array.from(special)
/** Each character alone, before and after its neighbour, and in a word. */
const names = characters.flatMap((character, index) => {
  const next = characters[(index + 1) % characters.length] ?? ''
  return [character, character + next, next + character, `x${character}\u0301${next.toUpperCase()}`]
})

const question: Question = {
  inputs: vectors.map(([password, salt, memory, passes, parallelism]) => ({
    password: btoa(password),
    salt: btoa(salt),
    memory,
    passes,
    parallelism,
    length: 32,
  })),
  password: 'ein ruhiger Hafen — 静かな港 🚢',
  stored: [],
  foreign: hashVectors.map(([, given, stored]) => [given, stored]),
  names,
}

async function ask(runtime: Runtime, asked: Question): Promise<Report> {
  const [command, ...args] = runtimeCommand(runtime)
  const script = 'apps/api/runtime-tests/password-report.ts'
  const { stdout } = await promisify(execFile)(command, [...args, script, JSON.stringify(asked)], { cwd: repository })
  return JSON.parse(stdout) as Report
}

const reports = new Map<Runtime, Report>()
const reportOf = (runtime: Runtime): Report => {
  const report = reports.get(runtime)
  if (!report) throw new Error(`${runtime} gave no report`)
  return report
}

beforeAll(async () => {
  for (const runtime of runtimes) reports.set(runtime, await ask(runtime, question))
})

describe.each(runtimes)('on %s', (runtime) => {
  test('pickArgon2id() takes the native implementation', () => {
    expect(reportOf(runtime).picked).toBe(picked[runtime])
  })

  test('every implementation that is there computes the known answers', () => {
    const { tags, rfc9106 } = reportOf(runtime)
    expect(Object.keys(tags)).toEqual(expect.arrayContaining([picked[runtime], 'noble']))
    for (const [name, computed] of Object.entries(tags))
      expect([name, computed]).toEqual([name, vectors.map(([, , , , , tag]) => tag)])
    expect(rfc9106).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')
  })

  test('verify() accepts what every runtime hashed, and only that', async () => {
    const stored = runtimes.map((other) => reportOf(other).hash)
    expect(new Set(stored).size).toBe(3)
    const { verdicts } = await ask(runtime, { ...question, inputs: [], names: [], foreign: [], stored })
    const verdict = { right: { matches: true, outdated: false }, wrong: { matches: false, outdated: false } }
    expect(verdicts).toEqual([verdict, verdict, verdict])
  })

  test('verify() accepts what every other system stored, and only that', () => {
    const verdict = { right: { matches: true, outdated: true }, wrong: { matches: false, outdated: false } }
    expect(reportOf(runtime).foreignVerdicts).toEqual(hashVectors.map(() => verdict))
  })

  test('usernameKey() and isUsername() say of every name what they say on Node', () => {
    expect(names.length).toBeGreaterThan(200)
    const { keys, accepted } = reportOf(runtime)
    expect(names.map((name, index) => [name, keys[index], accepted[index]])).toEqual(
      names.map((name, index) => [name, reportOf('node').keys[index], reportOf('node').accepted[index]]),
    )
    expect(new Set(accepted)).toEqual(new Set([true, false]))
  })
})
