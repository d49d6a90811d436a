import attn from 'attnc/esbuild'
import { build } from 'esbuild'

await build({
  entryPoints: ['../app/main.js'],
  bundle: true,
  format: 'esm',
  outfile: 'dist/main.js',
  plugins: [attn({ sizes: { d: 64, e: 64 } })],
})
