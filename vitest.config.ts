import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'apps/*/src/**/*.test.ts',
      'apps/*/runtime-tests/**/*.test.ts',
      'packages/*/{src,browser-tests}/**/*.test.ts',
      'packages/client/package-tests/*.test.ts',
    ],
    globalSetup: ['apps/api/runtime-tests/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 10_000 } }, // what is waited for comes late on a busy machine
    maxWorkers: 2,
    maxConcurrency: 30,
    coverage: {
      include: ['apps/*/src/**', 'packages/*/src/**'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts', 'packages/client/src/contract.ts'],
      reporter: ['text-summary', 'text'],
    },
  },
})
