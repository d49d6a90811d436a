/** `build --resource-usage`: what the kernels of each source take of each device, as a table. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../index.ts'
import { compileCubin, knownArchitectures } from '../runtime/cuda/cubin.ts'
import { readUsage } from '../runtime/cuda/usage.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { launchesOf } from '../targets/cuda/program.ts'
import { architectures, occupancy } from '../targets/cuda/resources.ts'
import type { OutFile } from '../targets/target.ts'
import { count, table } from './table.ts'

/** What a kernel takes of a device; `blocks`: that work on a multiprocessor at a time, and `limit`: what bounds them. */
export interface KernelUse {
  readonly source: string
  readonly kernel: string
  readonly architecture: string
  readonly registers: number
  readonly spills: number // bytes stored and loaded
  readonly shared: number // bytes of a block
  readonly threads: number
  readonly blocks: number | undefined // unknown of architectures that there are no figures of
  readonly limit: string | undefined
}

/** `--arch`: names of architectures; by default those that there are figures of. */
export async function chooseArchitectures(asked: string | undefined): Promise<Outcome<readonly string[]>> {
  const known = await knownArchitectures()
  if (!known.ok) return known
  if (asked === undefined) return done(known.value.filter((name) => Object.hasOwn(architectures, name)))
  const names = asked.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !known.value.includes(name))
  if (unknown === undefined) return done(names)
  const why = `--arch names ${JSON.stringify(unknown)}, for which nvcc cannot compile these kernels`
  return failed(problem('ATTN0302', why, `it is one of ${known.value.join(', ')}`))
}

export async function usesOf(
  source: string,
  files: readonly OutFile[],
  programs: readonly Program[],
  names: readonly string[],
  progress: (text: string) => void,
): Promise<Outcome<readonly KernelUse[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-nvcc-'))
  try {
    for (const { path, text } of files) writeFileSync(join(folder, path), text)
    const launches = new Map(launchesOf(programs).map((launch) => [launch.name, launch]))
    const uses: KernelUse[] = []
    for (const architecture of names) {
      progress(`compiling ${source} for ${architecture}`)
      const printed = await compileCubin(folder, files[0]!.path, architecture, 'kernels.cubin')
      if (!printed.ok) return printed
      for (const { kernel, registers, stores, loads, shared } of readUsage(printed.value)) {
        const launch = launches.get(kernel)
        if (!launch) continue
        const taken = { threads: launch.threads, registers, sharedBytes: launch.sharedBytes + shared }
        const machine = Object.hasOwn(architectures, architecture) ? architectures[architecture] : undefined
        const { blocks, by } = machine ? occupancy(taken, machine) : { blocks: undefined, by: undefined }
        const spills = stores + loads
        uses.push({
          source,
          kernel,
          architecture,
          registers,
          spills,
          shared: taken.sharedBytes,
          threads: taken.threads,
          blocks,
          limit: by,
        })
      }
    }
    return done(uses)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function printUses(uses: readonly KernelUse[]): string {
  const head = ['kernel', 'arch', 'registers', 'spills', 'shared', 'threads', 'blocks', 'warps', 'bound by']
  const rows = uses.map((one) => [
    one.kernel,
    one.architecture,
    String(one.registers),
    `${one.spills} B`,
    `${one.shared} B`,
    String(one.threads),
    one.blocks === undefined ? '?' : String(one.blocks),
    one.blocks === undefined ? '?' : String((one.blocks * one.threads) / 32),
    one.limit ?? '',
  ])
  const spilled = uses.filter(({ spills }) => spills > 0).length
  const last =
    spilled === 0
      ? 'no kernel spills registers'
      : `${count(spilled, 'kernel')} of ${uses.length} ${spilled === 1 ? 'spills' : 'spill'} registers`
  return `${table([head, ...rows], [2, 3, 4, 5, 6, 7])}${last}\n`
}
