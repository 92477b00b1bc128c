import { join } from 'node:path'
import { npm } from '../package-tests/npm.ts'
import { installExample } from './install-example.ts'
import { type Mode, anyApi } from './site.ts'

/** Builds the React example for both modes, from the packed client; where each is. */
export async function buildReactExample(): Promise<Record<Mode, string>> {
  const folder = await installExample('react')
  await npm(folder, ['exec', 'tsc'])
  const build = async (mode: Mode) => {
    const out = join(folder, 'dist', mode)
    await npm(folder, ['exec', '--', 'vite', 'build', '--base', './', '--outDir', out], {
      VITE_SESSION: mode,
      VITE_API_URL: anyApi,
    })
    return out
  }
  return { token: await build('token'), cookie: await build('cookie') }
}
