/** What a warp writes: rows by one lane of the four that have them, fragments two neighbours at a time. */
import { addressOf, bufferOf, indicesOf, narrowed } from '../../c-elements.ts'
import type { Item } from '../../nests/item.ts'
import { elementWords } from '../spot.ts'
import { columnOf, formOf } from './layout.ts'
import { countText, eachElement, eachRow, groupsOf, neighbourOf, printCode, type Warp, widthOf } from './warp.ts'

export function printPut({ store }: Extract<Item, { kind: 'put' }>, at: Warp): void {
  const { layout } = at.sheet
  const { buffer, text } = bufferOf(store.buffer, at.spot.sheet)
  const form = formOf(store, layout.row)
  const rows = countText(layout.row, at)
  const element = (inner: Warp): string =>
    `${text}[${
      addressOf(
        buffer,
        indicesOf(store.index, buffer).map((e) => printCode(e, inner)),
        inner.spot.sheet,
      ).text
    }]`
  if (form === 'row')
    return eachRow(at, (inner, block) =>
      block.line(
        `if (tiles::rowOf<${groupsOf(at.sheet)}>(m, r) < ${rows} && threadIdx.x % 4 == 0) ${element(inner)} = ${narrowed(buffer, printCode(store.value, inner), elementWords)};`,
      ),
    )
  const column = columnOf(store, layout.row)
  const width = widthOf(column, at)
  const inside = `tiles::rowOf<${groupsOf(at.sheet)}>(m, r / 2) < ${rows}${width === undefined ? '' : ` && tiles::columnOf(n, r) < ${width}`}`
  const last = store.index[buffer.axes.at(-1) ?? '']
  const isPair =
    last?.kind === 'index' &&
    last.axis === column &&
    last.of === 'element' &&
    (width === undefined || Number(width) % 2 === 0) &&
    (buffer.storage === 'f16' || buffer.storage === 'bf16')
  if (!isPair)
    return eachElement(column, at, (inner, block) =>
      block.line(
        `if (${inside}) ${element(inner)} = ${narrowed(buffer, printCode(store.value, inner), elementWords)};`,
      ),
    )
  const type = buffer.storage === 'f16' ? 'Half' : 'Brain'
  eachElement(
    column,
    at,
    (inner, block) => {
      const [low, high] = [inner, neighbourOf(inner, column)].map((place) => printCode(store.value, place).text)
      block.line(`if (${inside}) tiles::storePair<tiles::${type}>(&${element(inner)}, ${low}, ${high});`)
    },
    true,
  )
}
