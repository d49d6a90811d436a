/** `build --check`: files that are not what their sources give now, as where generated code is kept in a repository. */
import { readFileSync } from 'node:fs'
import { cannotRead } from '../runtime/files.ts'
import { type Problem, problem } from '../runtime/problem.ts'
import type { FileToWrite } from '../runtime/write.ts'

interface Expected extends FileToWrite {
  readonly source: string
}

const mend = 'build again, with the same options but for --check'

export const staleFiles = (files: readonly Expected[]): readonly Problem[] => files.flatMap(compare)

function compare({ path, source, content }: Expected): readonly Problem[] {
  const there = read(path)
  if (typeof there !== 'string') {
    const isMissing = there.code === 'ATTN0310'
    return [isMissing ? problem('ATTN0380', `${path} is missing, which ${source} gives`, mend) : there]
  }
  if (there === content) return []
  const where =
    there.replaceAll('\r\n', '\n') === content ? 'in its line ends' : `from line ${firstOther(there, `${content}`)} on`
  return [problem('ATTN0380', `${path} is not what ${source} gives now: it differs ${where}`, mend)]
}

function read(path: string): string | Problem {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return cannotRead(path, error)
  }
}

/** The number of the first line that is not the same. */
function firstOther(a: string, b: string): number {
  const others = b.split('\n')
  return a.split('\n').findIndex((line, n) => line !== others[n]) + 1
}
