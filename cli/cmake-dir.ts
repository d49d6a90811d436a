/** `attnc cmake-dir`: where CMake finds the package, as `-Dattnc_DIR=$(attnc cmake-dir)`. */

import type { Answer } from './answer.ts'
import { packagePath } from './package-file.ts'

export async function cmakeDir(): Promise<Answer> {
  const path = packagePath('cmake')
  if (path === undefined) throw new Error('the package has no folder cmake')
  return { exit: 0, findings: [], out: `${path}\n`, json: { path } }
}
