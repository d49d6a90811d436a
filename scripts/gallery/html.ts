const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => entities[sign] ?? sign)

/** Elements of Markdown that a page of the site shows as they are: no blank line ends them, and no braces are filled in. */
export const verbatim = (className: string, ...content: readonly string[]): string =>
  `<div class="${className}" v-pre>\n${content.join('\n').replaceAll(/\n{2,}/g, '\n')}\n</div>`
