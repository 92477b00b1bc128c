import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../../../apps/api/runtime-tests/server.ts'

const built = join(repository, 'packages/client/dist')
const typescript = dirname(createRequire(join(repository, 'package.json')).resolve('typescript/package.json'))

/** Each block that uses the client, as a module of its own. */
function blocksOf(document: string): { name: string; code: string }[] {
  const text = readFileSync(join(repository, document), 'utf8')
  const found = [...text.matchAll(/^```(tsx?)\n(.*?)^```/gms)].filter(([, , code = '']) =>
    code.includes("from '@gatehouse/client"),
  )
  return found.map(([, language = '', code = ''], index) => ({ name: `${index}.${language}`, code: `${code}\nexport {}\n` }))
}

test.each(['README.md', 'packages/client/README.md'])('what %s shows compiles', (document) => {
  // Beside the package, where its dependencies are found.
  const folder = join(repository, 'packages/client/node_modules/.documents', document.replaceAll('/', '-'))
  mkdirSync(folder, { recursive: true })
  const blocks = blocksOf(document)
  expect(blocks.length).toBeGreaterThan(0)
  for (const { name, code } of blocks) writeFileSync(join(folder, name), code)
  const paths = Object.fromEntries(
    ['', '/react', '/verify'].map((entry) => [`@gatehouse/client${entry}`, [join(built, `${entry.slice(1) || 'index'}.d.ts`)]]),
  )
  const compilerOptions = {
    paths,
    jsx: 'react-jsx',
    lib: ['ES2024', 'DOM'],
    types: ['node'],
    module: 'ESNext',
    moduleResolution: 'bundler',
  }
  const config = { extends: join(repository, 'tsconfig.base.json'), compilerOptions, files: blocks.map(({ name }) => name) }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { status, stdout } = spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', folder], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  expect([status, stdout]).toEqual([0, ''])
})
