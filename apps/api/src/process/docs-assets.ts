import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { DocsAssets } from '../docs/routes.ts'

const types = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
])

const require = createRequire(import.meta.url)

type Asset = Awaited<ReturnType<DocsAssets>>

const loaded = new Map<string, Promise<Asset>>()

/** Serves the few files of the installed swagger-ui-dist that the docs page needs; each is read once. */
export const installedDocsAssets: DocsAssets = async (name) => {
  const type = types.get(name)
  if (type === undefined) return undefined
  const asset = loaded.get(name) ?? load(name, type)
  loaded.set(name, asset)
  return asset
}

async function load(name: string, type: string): Promise<Asset> {
  return { body: new Uint8Array(await readFile(require.resolve(`swagger-ui-dist/${name}`))), type }
}
