import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { DocsAssets } from '../docs/routes.ts'

const types = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
])

const require = createRequire(import.meta.url)

/** Serves the few files of the installed swagger-ui-dist that the docs page needs. */
export const installedDocsAssets: DocsAssets = async (name) => {
  const type = types.get(name)
  if (type === undefined) return undefined
  const path = require.resolve(`swagger-ui-dist/${name}`)
  return { body: new Uint8Array(await readFile(path)), type }
}
