import type { Clock } from '../context.ts'
import { codeOf } from '../db/database-error.ts'
import type { ImportQueries, Known } from './queries.ts'
import { type Candidate, type Note, type Reason, type SourceRecord, judgeRecord } from './record.ts'

/** What became of one account. */
export type Outcome = { position: number; username: string | null } & (
  | { outcome: 'imported'; user_id: string | null; notes: Note[] }
  | { outcome: 'already_imported'; user_id: string }
  | { outcome: 'deleted_since' }
  | { outcome: 'left_behind'; reasons: (Reason & { taken_by?: string | null })[] }
)

export interface ImportDependencies {
  queries: ImportQueries
  /** Makes a SHA-256 digest a hash to keep. */
  wrap(digest: string): Promise<string>
  clock: Clock
  /** Accounts worked on at once. */
  atOnce: number
  /** Aborts to stop soon, in a state that can be gone on from. */
  signal: AbortSignal
  /** Hears of every account. */
  tell(outcome: Outcome): void
}

export interface ImportOptions {
  /** What the former system is called: with its own key for it, an account comes over once. */
  source: string
  /** Says what would happen, and writes nothing. */
  dryRun: boolean
  allowRoles: boolean
  /** Whether the source itself keeps its keys apart. If not, all names of the run are held in memory. */
  distinctKeys: boolean
}

/** Brings accounts over, batch by batch. Each is written by one statement: whenever it ends, it can be gone on from. */
export async function importAccounts(
  dependencies: ImportDependencies,
  batches: AsyncIterable<readonly SourceRecord[]>,
  options: ImportOptions,
): Promise<void> {
  const { signal, tell, atOnce } = dependencies
  const seen: Seen | undefined = options.dryRun || !options.distinctKeys ? new Map() : undefined
  for await (const batch of batches) {
    if (signal.aborted) return
    const candidates: Candidate[] = []
    for (const record of batch) {
      const judged = judgeRecord(record, options)
      if ('candidate' in judged) candidates.push(judged.candidate)
      else tell(leftBehind(record, judged.reasons))
    }
    const known = await dependencies.queries.findKnown(options.source, candidates)
    const wanted: Candidate[] = []
    const ofBatch: Seen = new Map()
    for (const candidate of candidates) {
      const settled = settle(candidate, known, seen ?? ofBatch)
      if (settled) tell(settled)
      else wanted.push(candidate)
    }
    await forEachAtOnce(wanted, atOnce, async (candidate) => {
      if (!signal.aborted) tell(await bring(dependencies, candidate, options))
    })
  }
}

/** By `username_key`: which of the run's accounts has, or gets, the name. */
type Seen = Map<string, string>

/** What is decided without writing; undefined for an account that is to come over. */
function settle(candidate: Candidate, known: Known, seen: Seen): Outcome | undefined {
  const { sourceKey, usernameKey } = candidate
  const earlier = seen.get(usernameKey)
  if (earlier === sourceKey) return leftBehind(candidate, [duplicate])
  if (earlier !== undefined) return leftBehind(candidate, [taken(earlier)])
  const settled = known.imported.has(sourceKey) || known.taken.has(usernameKey) ? isHere(candidate, known) : undefined
  if (settled?.outcome !== 'left_behind') seen.set(usernameKey, sourceKey)
  return settled
}

async function bring(dependencies: ImportDependencies, candidate: Candidate, options: ImportOptions): Promise<Outcome> {
  const { queries, wrap, clock } = dependencies
  const { position, sourceKey: username, notes, hash } = candidate
  if (options.dryRun) return { position, username, outcome: 'imported', user_id: null, notes }
  const password = 'digest' in hash ? await wrap(hash.digest) : hash.stored
  const id = await queries.insert(options.source, candidate, password, clock()).catch(unlessAlreadyThere)
  if (id !== undefined) return { position, username, outcome: 'imported', user_id: id, notes }
  // Registered, or brought by another import, since its batch was looked at.
  return isHere(candidate, await queries.findKnown(options.source, [candidate]))
}

/** It came over since its batch was looked at, and its name is free again: the note of it is still there. */
function unlessAlreadyThere(error: unknown): undefined {
  if (codeOf(error) !== '23505') throw error
}

function isHere(candidate: Candidate, known: Known): Outcome {
  const { position, sourceKey: username, usernameKey } = candidate
  const id = known.imported.get(username)
  if (id === null) return { position, username, outcome: 'deleted_since' }
  if (id !== undefined) return { position, username, outcome: 'already_imported', user_id: id }
  return leftBehind(candidate, [taken(known.taken.get(usernameKey)?.sourceKey ?? null)])
}

const duplicate: Reason = { code: 'duplicate', message: 'the source has this username more than once; the first counts' }

/** @param by the account of the same source that has the name; null where it is not from there */
function taken(by: string | null) {
  const message = by === null ? 'an account here has this username already' : `${by} of the same source has this username here`
  return { code: 'username_taken', message, taken_by: by } as const
}

function leftBehind(
  { position, ...record }: Pick<SourceRecord, 'position' | 'username'> & { sourceKey?: string },
  reasons: (Reason & { taken_by?: string | null })[],
): Outcome {
  const name = record.sourceKey ?? record.username
  return { position, username: typeof name === 'string' ? name : null, outcome: 'left_behind', reasons }
}

/** Runs `task` for every item, so many at once; rejects with the first failure, when all that ran are done. */
async function forEachAtOnce<T>(items: readonly T[], atOnce: number, task: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const work = async () => {
    for (const item of queue) await task(item)
  }
  const workers = await Promise.allSettled(Array.from({ length: atOnce }, work))
  const failed = workers.find((worker) => worker.status === 'rejected')
  if (failed) throw failed.reason
}
