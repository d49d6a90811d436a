/**
 * Kernels of the WGSL target with every access to what a group shares written down: two invocations that come to the same word
 * with no barrier in between, one of them to write, are a race, in whatever order a device runs them. A barrier that is left out is
 * still waited at, but counts for none: the numbers stay right, and what it keeps apart shows.
 */
import type { OutFile } from '../targets/target.ts'

export interface Watched {
  readonly module: string // JavaScript; it reads globalThis.leftOut: the number of a barrier, or -1
  readonly barriers: readonly string[] // of all kernels, in the order of the text
  readonly logSize: number // words of a group's log, of which the first one says whether there was a race
}

interface Shared {
  readonly name: string
  readonly first: number // its place in the log
  readonly size: number
  readonly isStored: boolean
}

export function watchFiles(files: readonly OutFile[]): Watched {
  const text = files.find(({ path }) => path.endsWith('.wgsl'))!.text
  let module = files.find(({ path }) => path.endsWith('.js'))!.text
  const barriers: string[] = []
  const kernels = [...text.matchAll(/^@compute[^\n]*\nfn (\w+)/gm)].flatMap(([, entry]) => {
    if (entry === 'copy') return []
    const kernel = kernelText(text, entry!)
    const spilled = [...lineOf(module, entry!).matchAll(/spill: (\d+)/g)].map(([, words]) => Number(words))
    return [{ entry: entry!, kernel, shared: sharedIn(kernel, entry!, spilled) }]
  })
  const logSize = 1 + 4 * Math.max(...kernels.map(({ shared }) => shared.reduce((sum, { size }) => sum + size, 0)))
  let shader = text.replace('  infinity: u32,\n', '  infinity: u32,\n  leftOut: i32,\n')
  kernels.forEach(({ entry, kernel, shared }, n) => {
    shader = shader.replace(kernel, () => watchKernel(kernel, entry, shared, logSize, n, barriers))
    const line = lineOf(module, entry)
    module = module.replace(line, () => line.replace('], groups:', `, { spill: ${logSize}, writes: true }], groups:`))
  })
  const quoted = (s: string): string => s.trimEnd().replaceAll('\\', '\\\\').replaceAll('`', '\\`')
  module = module
    .replace(quoted(text), () => quoted(shader))
    .replace('const words = [', "const words = [['leftOut', 'setInt32'], ")
    .replaceAll('    return { ', '    return { leftOut: globalThis.leftOut, ')
  return { module, barriers, logSize }
}

const lineOf = (module: string, entry: string): string =>
  module.split('\n').find((line) => line.includes(`{ entry: '${entry}'`))!

/** A kernel with its bindings and shared words: up to the brace that ends it. */
function kernelText(text: string, entry: string): string {
  const at = text.indexOf(`\nfn ${entry}(`)
  const end = text.indexOf('\n}\n', at) + 3
  const start = text.lastIndexOf('\n\n', at) + 2
  return text.slice(start, end)
}

function sharedIn(kernel: string, entry: string, spillWords: readonly number[]): readonly Shared[] {
  const own = [...kernel.matchAll(/var<workgroup> (\w+): array<\w+, (\d+)>/g)].map(([, name, size]) => ({
    name: name!,
    size: Number(size),
    isStored: false,
  }))
  const spilled = [...kernel.matchAll(new RegExp(`read_write> (${entry}_spill(?:Marks)?): array`, 'g'))].map(
    ([, name], n) => ({ name: name!, size: spillWords[n]!, isStored: true }),
  )
  let first = 0
  return [...own, ...spilled].map((one) => {
    first += one.size
    return { ...one, first: first - one.size }
  })
}

function watchKernel(
  kernel: string,
  entry: string,
  shared: readonly Shared[],
  logSize: number,
  number: number,
  barriers: string[],
): string {
  const log = `${entry}_log`
  const bindings = kernel.match(/@binding\(/g)!.length + 1
  const lines = kernel.split('\n').map((line) => {
    const watched = shared.reduce((sofar, one) => watchAccesses(sofar, one, entry), line)
    const epoch = line.includes('storageBarrier') ? 'storedEpoch' : 'sharedEpoch'
    if (/^ *(storage|workgroup)Barrier\(\);$/.test(line)) {
      barriers.push(`${entry}: ${line.trim()} ${barriers.length}`)
      return `${watched} if (given.leftOut != ${barriers.length - 1}) { ${entry}_${epoch}++; }`
    }
    return line.includes('workgroupUniformLoad') ? `${watched} ${entry}_sharedEpoch++;` : watched
  })
  const opened = lines.findIndex((line) => line.startsWith('  let group = '))
  lines.splice(opened + 1, 0, `  ${entry}_me = localIndex;`, `  ${entry}_home = group * ${logSize};`)
  const binding = `@group(0) @binding(${bindings}) var<storage, read_write> ${log}: array<atomic<u32>>;`
  return [binding, ...watchers(entry, log, number), ...lines].join('\n')
}

/** Each index goes through a function that writes the access down. */
function watchAccesses(line: string, { name, first, size, isStored }: Shared, entry: string): string {
  let out = ''
  let rest = line
  for (;;) {
    const start = rest.search(new RegExp(`\\b${name}\\[`))
    if (start < 0) return out + rest
    const open = start + name.length
    let close = open
    for (let depth = 0; ; close++) {
      if (rest[close] === '[') depth++
      if (rest[close] === ']' && --depth === 0) break
    }
    const isWrite = out.trim() === '' && start === rest.search(/\S/) && /^\] = /.test(rest.slice(close))
    const isAfterBrace = /\{ $/.test(rest.slice(0, start)) && /^\] = /.test(rest.slice(close))
    const index = watchAccesses(rest.slice(open + 1, close), { name, first, size, isStored }, entry)
    const what = isWrite || isAfterBrace ? 'written' : 'read'
    out += `${rest.slice(0, open)}[${entry}_${what}(${index}, ${first}, ${size}, ${isStored})]`
    rest = rest.slice(close + 1)
  }
}

/** Of each word: the largest and the smallest invocation that wrote it, and that read it, with when it last did. */
function watchers(entry: string, log: string, number: number): readonly string[] {
  const first = 1 + number * 100_000 // kernels of a launch may have the same log
  return `var<private> ${entry}_sharedEpoch: u32 = ${first}u;
var<private> ${entry}_storedEpoch: u32 = ${first}u;
var<private> ${entry}_me: u32;
var<private> ${entry}_home: i32;
fn ${entry}_judge(word: i32, mine: u32, largest: u32, epoch: u32) {
  let isOther = (largest >> 8u) == epoch && (largest & 255u) != mine;
  if (isOther) { atomicStore(&${log}[${entry}_home], u32(word)); }
}
fn ${entry}_note(at: i32, first: i32, size: i32, isStored: bool, isWrite: bool) -> i32 {
  let epoch = select(${entry}_sharedEpoch, ${entry}_storedEpoch, isStored);
  let inner = select(at, at % size, isStored);
  let me = ${entry}_me;
  if (inner < 0 || inner >= size) { return at; }
  let word = ${entry}_home + 1 + 4 * (first + inner);
  let own = word + select(2, 0, isWrite);
  atomicMax(&${log}[own], (epoch << 8u) | me);
  atomicMax(&${log}[own + 1], (epoch << 8u) | (255u - me));
  ${entry}_judge(word, me, atomicMax(&${log}[word], 0u), epoch);
  ${entry}_judge(word, 255u - me, atomicMax(&${log}[word + 1], 0u), epoch);
  if (isWrite) {
    ${entry}_judge(word, me, atomicMax(&${log}[word + 2], 0u), epoch);
    ${entry}_judge(word, 255u - me, atomicMax(&${log}[word + 3], 0u), epoch);
  }
  return at;
}
fn ${entry}_read(at: i32, first: i32, size: i32, isStored: bool) -> i32 {
  return ${entry}_note(at, first, size, isStored, false);
}
fn ${entry}_written(at: i32, first: i32, size: i32, isStored: bool) -> i32 {
  return ${entry}_note(at, first, size, isStored, true);
}`.split('\n')
}
