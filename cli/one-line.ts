import { visible } from './render.ts'

/** A path in a line of its own or in a table: what a terminal obeys is shown instead, line ends too. */
export const oneLine = (text: string): string => visible(text).replaceAll('\n', '\\u{a}')
