import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Config } from '../config.ts'

/** The configured secrets, newest first, or the embedded database's own. */
export function masterSecretsOf({ settings, database }: Config): readonly string[] {
  if (settings.masterSecrets) return settings.masterSecrets
  if (database.kind === 'embedded') return [embeddedMasterSecret(resolve(database.folder))]
  throw new Error('parseConfig demands GATEHOUSE_SECRET with DATABASE_URL')
}

/** As `masterSecretsOf()`, but makes none: empty where the embedded database's is missing. */
export function presentMasterSecrets({ settings, database }: Config): readonly string[] {
  if (settings.masterSecrets) return settings.masterSecrets
  const path = database.kind === 'embedded' ? join(resolve(database.folder), 'secret') : undefined
  return path !== undefined && existsSync(path) ? [readFileSync(path, 'utf8').trim()] : []
}

/** The secret that the embedded database keeps beside its data, made at the first start (mode 0600). */
function embeddedMasterSecret(folder: string): string {
  const path = join(folder, 'secret')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    const bytes = crypto.getRandomValues(new Uint8Array(32))
    writeFileSync(path, Buffer.from(bytes).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFileSync(path, 'utf8').trim()
}
