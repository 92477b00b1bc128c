// Writes the built package as JSR takes it: `node jsr.mjs <folder>`, then `deno publish` there. JSR resolves every file by its
// full name and finds declarations where the code names them. The hooks for React stay with npm, where their peer is.
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder to write to')
const source = fileURLToPath(new URL('.', import.meta.url))
const { name, version, license } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))

mkdirSync(join(folder, 'dist'), { recursive: true })
for (const document of ['README.md', 'LICENSE']) cpSync(join(source, document), join(folder, document))
const exports = { '.': './dist/index.js', './verify': './dist/verify.js' }
writeFileSync(join(folder, 'jsr.json'), JSON.stringify({ name, version, license, exports }, undefined, 2))

const entries = new Set(Object.values(exports).map((file) => basename(file)))
const left = /^(?:calls|react)\.|^contract\.js|\.map$/
for (const file of readdirSync(join(source, 'dist')).filter((built) => !left.test(built))) {
  const code = readFileSync(join(source, 'dist', file), 'utf8').replace(/\/\/# sourceMappingURL.*\n?/, '')
  const types = entries.has(file) ? `/* @ts-self-types="./${basename(file, '.js')}.d.ts" */\n` : ''
  const written = file.endsWith('.d.ts') ? code.replaceAll(/(['"]\.\/[\w-]+)\.ts(?=['"])/g, '$1.d.ts') : types + code
  writeFileSync(join(folder, 'dist', file), written)
}
