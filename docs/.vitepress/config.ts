import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { figureColors } from '../../scripts/site/figure-colors.ts'
import { configureMarkdown } from '../../scripts/site/markdown.ts'
import { sidebar } from '../../scripts/site/sidebar.ts'

const grammar = JSON.parse(
  readFileSync(new URL('../../editors/vscode/syntaxes/attn.tmLanguage.json', import.meta.url), 'utf8'),
)

export default defineConfig({
  title: 'attnc',
  description: 'A compiler for attention kernels',
  lang: 'en',
  srcExclude: ['examples.md'], // the gallery shows it
  markdown: {
    languages: [{ ...grammar, name: 'attn' }],
    theme: { light: 'github-light', dark: 'github-dark' },
    config: configureMarkdown,
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/getting-started', activeMatch: '^/(?!gallery/|targets/|$)' },
      { text: 'Targets', link: '/targets/ts', activeMatch: '^/targets/' },
      { text: 'Gallery', link: '/gallery/', activeMatch: '^/gallery/' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
  },
  vue: { template: { compilerOptions: { whitespace: 'preserve' } } }, // figures have columns
  vite: { plugins: [figureColors], build: { chunkSizeWarningLimit: 2000 } },
})
