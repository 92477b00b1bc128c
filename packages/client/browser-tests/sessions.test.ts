import { afterAll, beforeAll, describe } from 'vitest'
import type { Runtime } from '../../../apps/api/runtime-tests/server.ts'
import { accountScenarios } from './scenarios/account.ts'
import { clockScenarios } from './scenarios/clocks.ts'
import { endingScenarios } from './scenarios/endings.ts'
import { networkScenarios } from './scenarios/network.ts'
import { tabScenarios } from './scenarios/tabs.ts'
import type { Mode } from './site.ts'
import { type House, createStage, openHouse } from './stage.ts'

const runtimes: Runtime[] = ['node', 'bun', 'deno']
/** Each runtime has a server in one mode at least. */
const stages: { runtime: Runtime; mode: Mode }[] = [
  { runtime: 'node', mode: 'token' },
  { runtime: 'node', mode: 'cookie' },
  { runtime: 'bun', mode: 'token' },
  { runtime: 'deno', mode: 'cookie' },
]

let house: House
beforeAll(async () => {
  house = await openHouse(runtimes)
}, 400_000)
afterAll(() => house?.close())

// The time of a scenario is also that in which it waits for its turn.
describe.concurrent.each(stages)('on $runtime, $mode mode', { timeout: 600_000 }, ({ runtime, mode }) => {
  const stage = createStage(() => house, runtime, mode)
  clockScenarios(stage)
  accountScenarios(stage)
  tabScenarios(stage)
  networkScenarios(stage)
  endingScenarios(stage)
})
