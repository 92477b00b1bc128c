import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { type Packed, entriesOf } from './packed.ts'

/** Bytes of each entry with all that it exports, minified and by `gzip -9`. */
const budgets: Record<string, number> = { '.': 5000, './react': 1000, './verify': 3000 }

/** What a page loads. */
export function testSizes(packed: () => Packed): void {
  describe('the size', () => {
    test('of every entry has a budget and stays within', async () => {
      for (const [entry] of entriesOf(packed().manifest)) {
        const bytes = await bundledSize(packed(), `export * from '@gatehouse/client${entry.slice(1)}'`)
        expect(bytes, entry).toBeLessThanOrEqual(budgets[entry] ?? 0)
        expect(bytes, entry).toBeGreaterThan(200)
      }
    })

    test('is that of what is imported', async () => {
      const one = `import { isGatehouseError } from '@gatehouse/client'; console.log(isGatehouseError(1))`
      expect(await bundledSize(packed(), one)).toBeLessThan(200)
      expect(await bundledSize(packed(), `import '@gatehouse/client'`)).toBeLessThan(30)
    })
  })
}

async function bundledSize({ consumer, manifest }: Packed, contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: consumer },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: Object.keys(manifest.peerDependencies ?? {}),
    write: false,
    logLevel: 'silent', // it warns of an import without effects
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}
