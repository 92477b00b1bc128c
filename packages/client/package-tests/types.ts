import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { runtimeCommand } from '../../../apps/api/runtime-tests/server.ts'
import { type Packed, entriesOf } from './packed.ts'

const require = createRequire(import.meta.url)
const compilers = ['typescript', 'typescript-5']
const resolutions = { bundler: 'preserve', node16: 'node16', nodenext: 'nodenext' }

/** For types.ts of the consumer. Measured: 660 with either compiler; a fifth more is allowed. */
const mostInstantiations = 800

/** Seconds, on a machine that does other things besides. */
const longestCheck = 20

/** What an application's compiler makes of the client. */
export function testTypes(packed: () => Packed): void {
  beforeAll(() => {
    const entries = entriesOf(packed().manifest).map(
      ([entry], index) => `export * as entry${index} from '@gatehouse/client${entry.slice(1)}'`,
    )
    writeFileSync(join(packed().consumer, 'entries.ts'), entries.join('\n'))
  })

  test('compiles with Deno', async () => {
    expect(await checkByDeno(packed())).not.toContain('ERROR')
  })

  describe.each(compilers)('%s', (compiler) => {
    test.concurrent.each(Object.entries(resolutions))(
      'compiles a strict consumer, moduleResolution %s',
      async (resolution, module) => {
        const output = await compile(packed(), compiler, {
          compilerOptions: { module, moduleResolution: resolution, skipLibCheck: false, noEmit: true },
          files: ['types.ts', 'main.ts', 'worker.ts', 'entries.ts'],
        })
        expect(output).not.toMatch(/error TS/)
        expect(figure(output, 'Check time')).toBeLessThan(longestCheck)
      },
    )

    test.concurrent('computes little of its types', async () => {
      const output = await compile(packed(), compiler, {
        // What the standard library's own declarations cost is not ours.
        compilerOptions: { skipLibCheck: true, noEmit: true },
        files: ['types.ts'],
      })
      expect(figure(output, 'Instantiations')).toBeLessThan(mostInstantiations)
    })
  })
}

/** Its own compiler over the same folder; nothing is fetched. */
function checkByDeno({ consumer }: Packed): Promise<string> {
  const env = { NO_COLOR: '1', HOME: process.env['HOME'] ?? '' }
  const args = ['check', '--cached-only', '--no-lock', 'types.ts', 'entries.ts']
  return new Promise(
    (resolve) =>
      void execFile(runtimeCommand('deno')[0], args, { cwd: consumer, env }, (_, out, errors) => resolve(out + errors)),
  )
}

/** The compiler's report, with the errors it found. */
function compile({ consumer }: Packed, compiler: string, project: object): Promise<string> {
  const config = join(consumer, `tsconfig.${randomUUID()}.json`)
  writeFileSync(config, JSON.stringify({ extends: './tsconfig.json', ...project }))
  const args = [tscOf(compiler), '-p', config, '--extendedDiagnostics']
  return new Promise((resolve) => void execFile(process.execPath, args, (_, stdout) => resolve(stdout)))
}

const tscOf = (compiler: string) => join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc')

function figure(output: string, name: string): number {
  return Number(new RegExp(`^${name}: +([\\d.]+)`, 'm').exec(output)?.[1])
}
