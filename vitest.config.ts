import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    setupFiles: 'test/setup.ts',
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    // UPDATE_GOLDEN=1 rewrites golden files; otherwise a missing or different one fails, on every machine.
    update: process.env.UPDATE_GOLDEN === '1' ? 'all' : 'none',
  },
})
