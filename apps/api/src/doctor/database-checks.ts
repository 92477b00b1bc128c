import { type Finding, failure, ok, warning } from './finding.ts'
import type { DatabaseFacts } from './queries.ts'

/** The oldest major version that is tried. */
const oldestVersion = 15

/** Milliseconds. From the second on, instances may refuse each other's fresh tokens. */
const skewLimits = { noticed: 1_000, refused: 5_000 }

/** PostgreSQL's number of a version: 180004 is 18.4. */
export function judgeVersion({ versionNumber }: Pick<DatabaseFacts, 'versionNumber'>): Finding {
  const major = Math.floor(versionNumber / 10_000)
  const name = `PostgreSQL ${major}.${versionNumber % 10_000}`
  if (major >= oldestVersion) return ok('database version', name)
  return failure('database version', name, `Use PostgreSQL ${oldestVersion} or later.`)
}

/**
 * How far this machine's clock is from the database's: between `before` and `after`, milliseconds of the epoch here,
 * the database said `databaseTime`.
 */
export function judgeClock({ databaseTime }: Pick<DatabaseFacts, 'databaseTime'>, before: number, after: number): Finding {
  const skew = Math.max(0, before - databaseTime.getTime(), databaseTime.getTime() - after)
  const message = `this machine and the database differ by ${skew === 0 ? `less than ${Math.ceil(after - before)}` : Math.round(skew)} ms`
  const advice = 'Keep both clocks by NTP: tokens and sessions are judged by the instance, ended sessions by the database.'
  if (skew > skewLimits.refused) return failure('clock', message, advice)
  return skew > skewLimits.noticed ? warning('clock', message, advice) : ok('clock', message)
}

/** Another application's table of the same name would stop the first migration. */
export function judgeTables({ applied, hasUsers }: Pick<DatabaseFacts, 'applied' | 'hasUsers'>): Finding {
  if (applied.length > 0 || !hasUsers) return ok('tables', 'no others are in the way')
  const advice =
    'Give Gatehouse a database of its own: create database gatehouse. What the table holds can be imported from there.'
  return failure('tables', 'there is a table users of another application', advice)
}

/** @param known creation times of the migrations that this version has, in milliseconds; the oldest first */
export function judgeMigrations({ applied }: Pick<DatabaseFacts, 'applied'>, known: readonly number[]): Finding {
  const newest = Math.max(...known)
  const pending = known.filter((time) => !applied.includes(time)).length
  if (applied.some((time) => time > newest)) {
    const advice = 'Deploy that version or a later one: this one does not know what was changed.'
    return failure('migrations', 'the database was migrated by a later version', advice)
  }
  if (pending === 0) return ok('migrations', `all ${known.length} applied`)
  if (applied.length === 0) return ok('migrations', `the database is empty: all ${known.length} are applied at the first start`)
  return warning(
    'migrations',
    `${pending} of ${known.length} pending`,
    'The first instance that starts applies them; make a backup before.',
  )
}

export function judgeKeys(keys: readonly { kid: string; state: string; opens: boolean }[]): Finding {
  const current = keys.find(({ state }) => state === 'current')
  const needed = keys.filter(({ state }) => state !== 'retired')
  const closed = needed.filter(({ opens }) => !opens)
  if (needed.length === 0) return ok('signing keys', 'none yet: the first start makes one')
  const advice = 'Give the secret that sealed them, too: GATEHOUSE_SECRET takes several, newest first, separated by commas.'
  const names = closed.map(({ kid, state }) => `${kid} (${state})`).join(', ')
  if (!current)
    return failure('signing keys', 'none is current', 'Restore the table signing_keys, or run gatehouse keys rotate --now.')
  if (!current.opens) return failure('signing keys', `GATEHOUSE_SECRET does not open ${names}`, advice)
  if (closed.length > 0) return warning('signing keys', `GATEHOUSE_SECRET does not open ${names}`, advice)
  return ok('signing keys', `${needed.length} in use, all open`)
}

export function judgeLimits(
  facts: Pick<DatabaseFacts, 'mayWriteLimits'> | undefined,
  options: { on: boolean; shared: boolean },
): Finding {
  if (!options.on)
    return warning(
      'limits',
      'RATE_LIMITS is off: guessing costs an attacker nothing',
      'Leave RATE_LIMITS on outside of load tests.',
    )
  if (facts?.mayWriteLimits === false) {
    return failure(
      'limits',
      'the table rate_limits can’t be written: passwords would be refused',
      'Grant the role of DATABASE_URL its tables.',
    )
  }
  return ok('limits', options.shared ? 'in the database, shared by all instances' : 'in the embedded database, of one process')
}

export function judgeAdministrators({ administrators }: Pick<DatabaseFacts, 'administrators'>): Finding {
  if (administrators === undefined) return ok('administrators', 'none yet: gatehouse users create-admin makes one')
  if (administrators > 0) return ok('administrators', `${administrators}`)
  return warning('administrators', 'nobody may administer accounts', 'Make one: gatehouse users create-admin <username>')
}
