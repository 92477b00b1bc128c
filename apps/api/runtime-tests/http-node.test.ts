import { spawnedSuite } from './suite/spawned.ts'

spawnedSuite('node')
