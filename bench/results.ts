import type { HashTime } from './hash-time.ts'
import type { ConditionId } from './disturbance.ts'
import type { Import } from './import.ts'
import type { Revocation } from './revocation.ts'
import type { PageTimes } from './user-list.ts'
import type { RateId, ServerId } from './servers.ts'
import type { Flood, Rate, Start } from './workloads.ts'

/** What a run measured. Lists hold one entry per round. */
export interface Results {
  settings: {
    rounds: number
    seconds: number
    /** Of every server, for its time to ready. */
    starts: number
    /** The load generator. */
    tool: string
    postgres: string
    /** The machine's load average over a minute, before the run. */
    machineLoad: number
  }
  rates: Record<RateId, Map<ServerId, Rate[]>>
  /** Measured beside the rounds of `sign-in`. */
  hashes: HashTime[]
  floods: Map<ServerId, Flood[]>
  starts: Map<ServerId, Start[]>
  /** Bytes, when every other workload was done. */
  residentAtEnd: Map<ServerId, number>
  revocations: Map<ConditionId, Revocation>
  /** Heap bytes of a million ended sessions. */
  revocationMemory: number | undefined
  /** By the number of users. */
  userLists: ReadonlyMap<number, PageTimes>
  imports: Import[]
}
