import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { describe, expect, test } from 'vitest'
import { repository } from '../../../apps/api/runtime-tests/server.ts'
import { packageFolder } from './npm.ts'
import { type Packed, entriesOf } from './packed.ts'

/** What a registry gets. */
export function testTarball(packed: () => Packed): void {
  describe('the tarball', () => {
    test('holds what was built of today’s sources and four documents', () => {
      const others = packed().files.filter((path) => !path.startsWith('dist/'))
      expect(others.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
      const built = packed().files.filter((path) => path.startsWith('dist/'))
      expect(built.filter((path) => !existsSync(join(packageFolder, sourceOf(path))))).toEqual([])
      expect(built.filter((path) => /\.test\.|test-app/.test(path))).toEqual([])
    })

    test('names neither the private API nor the workspace, and depends on nothing', () => {
      const text = readFileSync(join(packed().folder, 'package.json'), 'utf8')
      expect(text).not.toMatch(/workspace:|@gatehouse\/api/)
      expect(packed().manifest.dependencies ?? {}).toEqual({})
      expect(packed().manifest.sideEffects).toBe(false)
    })

    test('has the licence of the repository', () => {
      const [ours, theirs] = [repository, packed().folder].map((folder) => readFileSync(join(folder, 'LICENSE'), 'utf8'))
      expect(theirs).toBe(ours)
    })

    test('has every entry and its types', () => {
      const missing = entriesOf(packed().manifest).flatMap(([, { types, default: code }]) =>
        [types, code].filter((path) => !existsSync(join(packed().folder, path))),
      )
      expect(missing).toEqual([])
    })

    test('imports nothing but the peer that an entry is for', () => {
      const peers = Object.keys(packed().manifest.peerDependencies ?? {})
      const foreign = packed()
        .files.filter((path) => /\.(js|d\.ts)$/.test(path))
        .flatMap((path) => importsOf(readFileSync(join(packed().folder, path), 'utf8')).map((from) => [path, from] as const))
        .filter(([, from]) => !from.startsWith('./'))
        .filter(([path, from]) => !peers.some((peer) => from.split('/')[0] === peer && path.includes(peer)))
      expect(foreign).toEqual([])
    })

    test('has declarations in which no type of the server is named', () => {
      const declarations = packed().files.filter((path) => path.endsWith('.d.ts'))
      const naming = declarations.filter((path) =>
        /\bhono\b|\bHono|drizzle|\bzod\b|\bZod|\bAppType\b|apps\/api|@gatehouse\/api/.test(
          withoutComments(join(packed().folder, path)),
        ),
      )
      expect(naming).toEqual([])
    })

    test('says of every call what it does, and of fields what they hold', () => {
      const lines = readFileSync(join(packed().folder, 'dist/contract.d.ts'), 'utf8').split('\n')
      const calls = lines.flatMap((line, index) => (/^ *\$\w+: /.test(line) ? [[line.trim().slice(0, 9), lines[index - 1]]] : []))
      expect(calls.length).toBeGreaterThan(20)
      expect(calls.filter(([, above]) => !/^ *\/\*\* .+ 200: .+ \*\/$/.test(above ?? ''))).toEqual([])
      const commentOn = (field: string) => lines[lines.findIndex((line) => line.trim().startsWith(field)) - 1]?.trim()
      expect(commentOn('refresh_expires_in: number')).toBe('/** Seconds that the session lives without a refresh. */')
      expect(commentOn('since?: string')).toBe('/** Events of this instant or later. RFC 3339, UTC. */')
      expect(commentOn('expires_in: number')).toMatch(/^\/\*\* Seconds/)
    })

    test('has source maps with their sources, of its own folder only', () => {
      const maps = packed().files.filter((path) => path.endsWith('.map'))
      expect(maps.length).toBe(packed().files.filter((path) => path.endsWith('.js')).length)
      for (const path of maps) {
        const map = JSON.parse(readFileSync(join(packed().folder, path), 'utf8')) as SourceMap
        expect(map.sources).toEqual([`../${sourceOf(path)}`])
        expect(map.sourcesContent).toEqual([readFileSync(join(packageFolder, sourceOf(path)), 'utf8')])
      }
    })

    test('has nothing that publint finds', async () => {
      const tarball = Uint8Array.from(readFileSync(packed().tarball)).buffer
      const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
      expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
    })

    test('has nothing that Are the types wrong? finds', () => {
      const attw = join(packageFolder, 'package-tests/node_modules/@arethetypeswrong/cli/dist/index.js')
      const args = [attw, packed().tarball, '--profile', 'esm-only', '--no-color', '--no-emoji']
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      expect(status, stdout).toBe(0)
    })
  })
}

interface SourceMap {
  sources: string[]
  sourcesContent?: string[]
}

const sourceOf = (built: string) => built.replace(/^dist\/(.*?)(\.d\.ts|\.js(\.map)?)$/, 'src/$1.ts')

const importsOf = (code: string) => [...code.matchAll(/(?:\bfrom|\bimport\(?)\s*['"]([^'"]+)['"]/g)].map(([, from = '']) => from)

const withoutComments = (path: string) => readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
