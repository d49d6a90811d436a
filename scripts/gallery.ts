// Writes docs/gallery: a page for each example and one that shows all. Git ignores it; `npm run docs` makes it anew.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { buildGallery } from './gallery/build.ts'

const folder = new URL('../docs/gallery/', import.meta.url)
const pages = await buildGallery()
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [path, text] of pages) writeFileSync(new URL(path, folder), text)
