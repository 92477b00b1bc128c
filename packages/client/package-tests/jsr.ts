import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { runtimeCommand, temporaryFolder } from '../../../apps/api/runtime-tests/server.ts'
import { packageFolder } from './npm.ts'

const run = promisify(execFile)

/** What JSR gets, looked at by its own tool without asking JSR. */
export function testJsr(): void {
  test('JSR’s tool would publish it, types included', async () => {
    const folder = temporaryFolder()
    await run(process.execPath, [join(packageFolder, 'jsr.mjs'), folder])
    const [deno] = runtimeCommand('deno')
    const env = { PATH: '', HOME: temporaryFolder(), NO_COLOR: '1' }
    const { stderr } = await run(deno, ['publish', '--dry-run', '--allow-dirty', '--quiet'], { cwd: folder, env })
    expect(stderr).not.toMatch(/error|warning/i)
  })
}
