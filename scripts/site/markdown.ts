/**
 * What the site shows otherwise than a reader of the plain files sees it: links to examples lead to their pages in the gallery, and
 * blocks say what the tests hold them to.
 */
import type { MarkdownRenderer } from 'vitepress'
import { escaped } from '../gallery/html.ts'

type Rule = NonNullable<MarkdownRenderer['renderer']['rules'][string]>

export function configureMarkdown(md: MarkdownRenderer): void {
  const { rules } = md.renderer
  const [openLink, fence] = [rules.link_open, rules.fence]
  if (!openLink || !fence) throw new Error('vitepress renders neither links nor blocks')
  const openOwn: Rule = (tokens, index, options, env, self) => {
    const href = tokens[index]?.attrGet('href')
    if (href) tokens[index]?.attrSet('href', leadOn(href, env.relativePath ?? ''))
    return openLink(tokens, index, options, env, self)
  }
  const fenceOwn: Rule = (tokens, index, options, env, self) => {
    const { info = '' } = tokens[index] ?? {}
    return fence(tokens, index, options, env, self) + captionOf(info, md)
  }
  rules.link_open = openOwn
  rules.fence = fenceOwn
}

/** The list of examples is the front page of the gallery; each of them has a page. */
function leadOn(href: string, page: string): string {
  const up = '../'.repeat(page.split('/').length - 1)
  const [, example] = /^(?:\.\.\/)+examples\/(\w+)\.attn$/.exec(href) ?? []
  if (example !== undefined) return `${up}gallery/${example}.md`
  return href.replace(/^((?:\.\.\/)*)examples\.md(?=#|$)/, '$1gallery/index.md')
}

/** `attn fails ATTN0018`, `text from attnc explain FILE`: see test/docs.test.ts. */
function captionOf(info: string, md: MarkdownRenderer): string {
  const [, verb, code = ''] = /^\S+ (fails|warns) (ATTN\d{4})$/.exec(info) ?? []
  if (verb) return caption(`${verb === 'fails' ? 'fails with' : 'warns with'} <code>${code}</code>`)
  const [, command] = /^\S+ from (attnc .+)$/.exec(info) ?? []
  if (command) return caption(`from <code>${escaped(command)}</code>`)
  const [, file] = /^\S+ in (\S+)$/.exec(info) ?? []
  return file ? caption(`in ${md.renderInline(`\`${file}\``)}`) : ''
}

const caption = (html: string): string => `<p class="block-caption" v-pre>${html}</p>\n`
