/** `--input` and `--output`: names of tensors with the files that they come from or go to. */
import { resolve } from 'node:path'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { InputFiles } from '../runtime/read-inputs.ts'
import { isArchivePath, parseTensorPath, type TensorPath } from '../runtime/tensors/tensor-path.ts'
import { parseAssignments } from './options.ts'

/** `q=q.npy`, `q=x.npz:queries`; an archive alone gives all inputs that it has tensors for. */
export function parseInputs(values: readonly string[]): Outcome<InputFiles> {
  const isArchive = (value: string): boolean => isArchivePath(value) && !/^[A-Za-z_]\w*=/.test(value)
  const named = parseAssignments(
    '--input',
    values.filter((value) => !isArchive(value)),
  )
  return named.ok ? done({ named: pathsOf(named.value), archives: values.filter(isArchive) }) : named
}

/** No two results may go to one place. */
export function parseOutputs(values: readonly string[]): Outcome<ReadonlyMap<string, TensorPath>> {
  const parsed = parseAssignments('--output', values)
  if (!parsed.ok) return parsed
  const outputs = pathsOf(parsed.value)
  const first = new Map<string, string>()
  const findings = [...outputs].flatMap(([result, path]) => {
    const place = placeOf(result, path)
    const other = first.get(place)
    first.set(place, result)
    const text = `${other} and ${result} would both be written to ${showTensorPath(path)}`
    return other === undefined ? [] : [problem('ATTN0317', text)]
  })
  return findings.length > 0 ? failed(...findings) : done(outputs)
}

const pathsOf = (texts: ReadonlyMap<string, string>): ReadonlyMap<string, TensorPath> =>
  new Map([...texts].map(([name, text]) => [name, parseTensorPath(text)]))

const placeOf = (result: string, { path, name = result }: TensorPath): string =>
  isArchivePath(path) ? `${resolve(path)}:${name}` : resolve(path)

export const showTensorPath = ({ path, name }: TensorPath): string => (name === undefined ? path : `${path}:${name}`)
