import { defineConfig } from 'vite'
import { examplesPlugin } from './build/examples-plugin.ts'
import { policyPlugin } from './build/policy-plugin.ts'

export default defineConfig({
  root: import.meta.dirname,
  base: './', // so that it can be served from any folder
  plugins: [examplesPlugin(), policyPlugin()],
  worker: { format: 'es' },
  build: {
    outDir: 'dist',
    target: 'es2024',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 6000, // ts-morph, which is loaded when TypeScript is asked for
  },
})
