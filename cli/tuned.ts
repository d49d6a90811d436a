/** What commands do with what was tuned: the file beside the source is looked at unless `--no-tuned` says otherwise. */
import { analyze, type CompileOptions, compileTimeSizes } from '../index.ts'
import type { Finding } from '../runtime/problem.ts'
import { asWarnings, type Picked, pickTuned, type Wanted } from '../runtime/tuned/pick.ts'
import type { Options } from './program.ts'
import type { Source } from './sources.ts'

type Asked = Omit<Wanted, 'target' | 'options'> & { readonly options: CompileOptions }

/** A file that cannot be read is a warning: what was tuned makes nothing right or wrong. */
export async function tunedOf(
  { file }: Source,
  { attention, options, sizes }: Asked,
  { tuned = true, arch }: Pick<Options, 'tuned' | 'arch'>,
  warnings: Finding[],
): Promise<Picked | undefined> {
  if (!tuned) return undefined
  const architectures = options.target === 'cuda' ? arch?.split(',') : undefined
  const picked = await pickTuned(file.path, { attention, target: options.target, options, sizes, architectures })
  if (picked.ok) return picked.value
  warnings.push(...asWarnings(picked.findings))
  return undefined
}

/** For all attentions of a source, which are generated with the same options: what was tuned counts where it is the same for each. */
export async function tunedOfAll(
  source: Source,
  options: CompileOptions,
  asked: Pick<Options, 'tuned' | 'arch'>,
  warnings: Finding[],
): Promise<Picked | undefined> {
  const module = analyze(source.file, source.readImport)
  if (!module.ok) return undefined
  const all: (Picked | undefined)[] = []
  for (const attention of module.value.attentions) {
    const sizes = compileTimeSizes(attention, options.sizes ?? {})
    all.push(await tunedOf(source, { attention, options, sizes }, asked, all.length === 0 ? warnings : []))
  }
  const [first, ...others] = all
  const same = (one: Picked | undefined): boolean => JSON.stringify(one?.options) === JSON.stringify(first?.options)
  return others.every(same) ? first : undefined
}
