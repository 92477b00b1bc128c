import { beforeAll } from 'vitest'
import { testJsr } from './jsr.ts'
import { type Packed, packClient } from './packed.ts'
import { testRuntimes } from './runtimes.ts'
import { testSizes } from './sizes.ts'
import { testTarball } from './tarball.ts'
import { testTypes } from './types.ts'

// One file, so that it is packed and installed once.
let packed: Packed

beforeAll(async () => {
  packed = await packClient()
})

testTarball(() => packed)
testJsr()
testSizes(() => packed)
testTypes(() => packed)
testRuntimes(() => packed)
