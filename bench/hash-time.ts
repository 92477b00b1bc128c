import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { median } from './statistics.ts'

/** What this machine can do at best with Gatehouse's password hash, measured without a server. */
export interface HashTime {
  /** Milliseconds of a hash alone. */
  one: number
  /** Hashes per second, as many at once as there are cores. */
  perSecond: number
}

/** Takes about two seconds. */
export async function measureHash(cores: number): Promise<HashTime> {
  const times: number[] = []
  for (let i = 0; i < 15; i += 1) {
    const startedAt = performance.now()
    await hash()
    times.push(performance.now() - startedAt)
  }
  const startedAt = performance.now()
  const inTurn = async () => {
    for (let i = 0; i < 15; i += 1) await hash()
  }
  await Promise.all(Array.from({ length: cores }, inTurn))
  return { one: median(times), perSecond: (cores * 15 * 1000) / (performance.now() - startedAt) }
}

function hash(): Promise<Buffer> {
  const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 }
  return promisify(argon2)('argon2id', { message: 'correct horse battery', nonce: randomBytes(16), ...cost })
}
