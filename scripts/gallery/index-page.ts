/** The front page of the gallery: every example with the picture of its mask, by kind. */
import type { Picture } from '../../compiler/explain/picture.ts'
import { printInPage } from '../../figures/print-svg.ts'
import { drawThumbnail } from '../../figures/tiles.ts'
import type { Entry, Example } from './example.ts'
import { escaped, verbatim } from './html.ts'

export interface Card extends Entry {
  readonly thumbnail: string
}

/** The mask at its first lengths; where there is none every tile is full. */
export const thumbnailOf = ({ name, explanations: [first] }: Example): string =>
  printInPage(drawThumbnail(name, cellsOf(first?.mask ?? null), 96))

const whole: Picture['cells'] = Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 'full' as const))

function cellsOf(mask: NonNullable<Example['explanations'][number]>['mask']): Picture['cells'] {
  if (mask === null) return whole
  return 'unknown' in mask ? [] : mask.cells
}

export function writeIndex(cards: readonly Card[]): string {
  const sections = Map.groupBy(cards, ({ section }) => section)
  return `${[
    '---\ntitle: Gallery\naside: false\neditLink: false\n---',
    '# Gallery',
    `${cards.length} attention operators, each as its paper defines it, in about ten lines. A page has the source, its ` +
      'mathematics, the tiles that its mask leaves, the plan that was derived for it, and what was measured. All of it is made ' +
      'from the sources when this site is built. A picture shows the tiles of the mask: full, partial, and skipped.',
    ...[...sections].flatMap(([section, all]) => [`## ${section}`, verbatim('cards', ...all.map(writeCard))]),
  ].join('\n\n')}\n`
}

const writeCard = ({ name, about, paper, thumbnail }: Card): string =>
  `<a class="card" href="./${name}.html">${thumbnail}<strong>${name.replaceAll('_', '_<wbr>')}</strong><span>${escaped(about)}</span><em>${escaped(paper)}</em></a>`
