import attn from 'attnc/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [attn({ dts: true })],
  server: { fs: { allow: ['..'] } }, // the sources lie beside this folder
})
