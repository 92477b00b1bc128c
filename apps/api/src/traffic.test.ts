import { expect, test } from 'vitest'
import { createTraffic } from './traffic.ts'

test('createTraffic() flows from 20 requests a second on, and until half a second after they became fewer', () => {
  let now = 0
  const traffic = createTraffic(() => now)
  const come = (requests: number, apart: number) => {
    for (let i = 0; i < requests; i += 1) {
      now += apart
      traffic.note()
    }
  }
  expect(traffic.flows()).toBe(false)
  come(9, 1)
  expect(traffic.flows()).toBe(false)
  come(1, 1)
  expect(traffic.flows()).toBe(true)
  now += 500
  expect(traffic.flows()).toBe(false)
  come(50, 60)
  expect(traffic.flows()).toBe(false)
  come(50, 50)
  expect(traffic.flows()).toBe(true)
})
