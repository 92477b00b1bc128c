import { registerHooks } from 'node:module'

/** The real entry of Gatehouse, with one module exchanged: shows what the read on current user costs. */
const real = new URL('../../apps/api/src/users/queries.ts', import.meta.url).href
const remembering = new URL('remembering-queries.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    return resolved.url === real && context.parentURL !== remembering ? { ...resolved, url: remembering } : resolved
  },
})
await import('../../apps/api/src/main.ts')
