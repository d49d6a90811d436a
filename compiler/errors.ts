/** Every error of the checker, one function each. Codes are never reused; docs/errors.md has a section on each. */
import type { Diagnostic, Edit, Label } from '../grammar/diagnostic.ts'
import { correctName, replaceBy, replaceSign } from '../grammar/fix.ts'
import { type SourceFile, type Span, spanOf } from '../grammar/source.ts'
import { suggest } from '../grammar/suggest.ts'

interface Extra {
  readonly label?: string
  readonly notes?: readonly Label[]
  readonly hint?: string | undefined
  readonly fix?: readonly Edit[] | undefined
}

const error = (code: string, title: string, span: Span, message: string, extra: Extra = {}): Diagnostic => ({
  code,
  severity: 'error',
  title,
  message,
  at: extra.label === undefined ? { span } : { span, text: extra.label },
  notes: extra.notes ?? [],
  ...(extra.hint === undefined ? {} : { hint: extra.hint }),
  ...(extra.fix === undefined ? {} : { fix: extra.fix }),
})

const list = (names: readonly string[]): string => names.join(', ')
const brackets = (axes: readonly string[]): string => (axes.length === 0 ? 'no axis' : `[${list(axes)}]`)
const typeName = { bool: 'a bool', i32: 'an integer', f32: 'a float' } as const
type Type = keyof typeof typeName

// Names.

export const unknownName = (at: Span, name: string, candidates: Iterable<string>): Diagnostic =>
  error('ATTN0100', 'unknown-name', at, `nothing named '${name}' is in scope`, {
    label: 'not found',
    hint: usualMistake(name),
    ...correctName(at, name, candidates),
  })

const usualMistake = (name: string): string | undefined =>
  ['pi', 'inf', 'infinity', 'nan'].includes(name.toLowerCase())
    ? 'there are no named constants: write 3.14159265, 1 / 0, 0 / 0'
    : undefined

export const unknownFunction = (at: Span, name: string, candidates: Iterable<string>): Diagnostic =>
  error('ATTN0101', 'unknown-function', at, `there is no function '${name}'`, {
    hint: `define it: fn ${name}(x) = ...`,
    ...correctName(at, name, candidates),
  })

export const unknownAxis = (at: Span, name: string, candidates: Iterable<string>): Diagnostic =>
  error('ATTN0102', 'unknown-axis', at, `there is no axis '${name}'`, {
    hint: axisHint(name, suggest(name, candidates)),
  })

const axisHint = (name: string, near: string | undefined): string =>
  near === undefined ? `declare it: axis ${name}` : `did you mean '${near}'? a new axis is declared: axis ${name}`

export const definedTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0103', 'defined-twice', at, `'${name}' is defined twice`, {
    notes: [{ span: before, text: 'first here' }],
    hint: "use another name; in a 'repeat' a let of the block is rebound without 'let'",
  })

export const hidesTokenAxis = (at: Span, name: string): Diagnostic =>
  error('ATTN0104', 'hides-token-axis', at, `'${name}' is the index of a token axis and cannot be another value`, {
    hint: 'use another name',
  })

export const predefinedName = (at: Span, name: string): Diagnostic =>
  error('ATTN0105', 'predefined-name', at, `'${name}' has a meaning of its own and cannot be declared`, {
    hint:
      name === 'weight' || name === 'out'
        ? 'use another name'
        : `as a clause of its own it has no 'let': ${name} = ...`,
    fix: name === 'weight' || name === 'out' ? undefined : withoutLet(at),
  })

function withoutLet({ file, start }: Span): readonly Edit[] | undefined {
  const [word] = /\blet[ \t]+$/.exec(file.text.slice(0, start)) ?? []
  return word === undefined ? undefined : replaceBy(spanOf(file, start - word.length, start), '')
}

export const cyclicDefinition = (at: Span, path: readonly string[]): Diagnostic =>
  error('ATTN0106', 'cyclic-definition', at, `'${path[0]}' depends on itself: ${path.join(' -> ')}`)

export const recursion = (at: Span, path: readonly string[]): Diagnostic =>
  error('ATTN0107', 'recursion', at, `functions cannot be recursive: ${path.join(' -> ')}`, {
    hint: "a fixed number of rounds is written 'repeat n { ... }'",
  })

export const functionTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0108', 'function-twice', at, `the function '${name}' is defined twice`, {
    notes: [{ span: before, text: 'first here' }],
  })

export const attentionTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0109', 'attention-twice', at, `the attention '${name}' is defined twice`, {
    notes: [{ span: before, text: 'first here' }],
  })

export const reservedFunction = (at: Span, name: string): Diagnostic =>
  error('ATTN0110', 'reserved-function', at, `'${name}' gives the length of an axis and cannot be defined`)

export const functionAsValue = (at: Span, name: string): Diagnostic =>
  error('ATTN0111', 'function-as-value', at, `'${name}' is a function, not a value`, { hint: `call it: ${name}(...)` })

export const valueCalled = (at: Span, name: string): Diagnostic =>
  error('ATTN0112', 'value-called', at, `'${name}' is a value and cannot be called`, {
    hint: `a product is written with '*'; to read it elsewhere: ${name}[j = 0]`,
  })

// Calls.

const asDeclared = (declared: Span | undefined): readonly Label[] =>
  declared ? [{ span: declared, text: 'defined here' }] : []

export const wrongArgumentCount = (
  at: Span,
  name: string,
  form: string,
  got: number,
  declared: Span | undefined,
): Diagnostic =>
  error('ATTN0113', 'wrong-argument-count', at, `'${name}' does not take ${count(got, 'argument')}`, {
    notes: asDeclared(declared),
    hint: `its form is ${form}`,
  })

export const wrongBuiltinArity = (at: Span, name: string, least: number, most: number, got: number): Diagnostic =>
  error('ATTN0113', 'wrong-argument-count', at, `'${name}' does not take ${count(got, 'argument')}`, {
    hint: least === most ? `it takes ${count(least, 'argument')}` : `it takes at least ${least} and at most ${most}`,
  })

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

export const wrongAxisCount = (
  at: Span,
  name: string,
  form: string,
  got: number,
  declared: Span | undefined,
): Diagnostic =>
  error('ATTN0114', 'wrong-axis-count', at, `'${name}' does not take ${got === 1 ? '1 axis' : `${got} axes`}`, {
    notes: asDeclared(declared),
    hint: `its form is ${form}`,
  })

export const foldWithoutAxes = (at: Span, name: string): Diagnostic =>
  error('ATTN0115', 'reduction-without-axes', at, `'${name}' does not say which axis it goes over`, {
    hint: `${name}[j](x) goes over the keys`,
  })

export const sizeOfWhat = (at: Span): Diagnostic =>
  error('ATTN0116', 'size-of-no-axis', at, "'size' takes the name of one axis", { hint: 'size(j)' })

export const axisTwice = (at: Span, name: string, what: string): Diagnostic =>
  error('ATTN0117', 'axis-twice', at, `the axis '${name}' stands twice in this ${what}`)

// Types.

export const boolAsNumber = (at: Span, what: string): Diagnostic =>
  error('ATTN0120', 'bool-as-number', at, `${what} needs a number, and this is a bool`, {
    label: 'a bool',
    hint: 'if c then 1 else 0',
  })

export const numberAsBool = (at: Span, what: string, type: string): Diagnostic =>
  error(
    'ATTN0121',
    'number-as-bool',
    at,
    `${what} needs a bool, and this is ${type === 'i32' ? typeName.i32 : typeName.f32}`,
    {
      hint: 'compare it: x != 0',
    },
  )

export const comparedBools = (at: Span, op: string): Diagnostic =>
  error('ATTN0122', 'compared-bools', at, `'${op}' compares numbers, and these are bools`, {
    hint: 'a and b or not a and not b is true where they are equal',
  })

export const mixedBranches = (at: Span, yes: Span, yesType: Type, no: Span, noType: Type): Diagnostic =>
  error('ATTN0123', 'mixed-branches', at, "one branch of this 'if' is a bool, the other a number", {
    notes: [
      { span: yes, text: typeName[yesType] },
      { span: no, text: typeName[noType] },
    ],
  })

export const foldOfBool = (at: Span, name: string): Diagnostic =>
  error('ATTN0124', 'reduction-of-bool', at, `'${name}' folds numbers, and this is a bool`, {
    hint: 'count[x](c), any[x](c) and all[x](c) fold bools',
  })

export const indexNotInteger = (at: Span, axis: string, type: Type, quotient: boolean): Diagnostic =>
  error('ATTN0125', 'index-not-integer', at, `an index of '${axis}' is an integer, and this is ${typeName[type]}`, {
    hint: quotient
      ? "'/' rounds down only where it is written in the index: write 'div'"
      : type === 'f32'
        ? 'int(x) drops the fraction'
        : undefined,
  })

export const integerExpected = (at: Span, what: string): Diagnostic =>
  error('ATTN0126', 'integer-expected', at, `${what} needs an integer`, {
    hint: "'div' divides integers, int(x) drops a fraction",
  })

export const scalarExpected = (at: Span, what: string, axes: readonly string[]): Diagnostic =>
  error('ATTN0127', 'scalar-expected', at, `${what} has to be one value, and this varies over ${brackets(axes)}`)

export const wrongDefault = (at: Span, name: string, type: Type, got: Type): Diagnostic =>
  error('ATTN0128', 'wrong-default', at, `'${name}' is declared as ${typeName[type]}, and this is ${typeName[got]}`)

export const unknownType = (at: Span, name: string, known: readonly string[]): Diagnostic =>
  error('ATTN0129', 'unknown-type', at, `there is no type '${name}'`, {
    hint: `types are ${list(known)}`,
    ...correctName(at, name, known),
  })

export const paramStorage = (at: Span, type: string): Diagnostic =>
  error('ATTN0130', 'param-storage', at, `a param is not stored as ${type}`, { hint: 'bool, i32 or f32' })

export const quotientInMask = (at: Span, mask: Span | undefined): Diagnostic =>
  error('ATTN0131', 'quotient-in-mask', at, "'/' of integers gives a float, which a mask may not rest on", {
    notes: mask ? [{ span: mask, text: 'this mask uses it' }] : [],
    hint: "'div' rounds down",
  })

/** `signs`: of the two quotients that are compared with each other, each '/' as it stands there. */
export const quotientCompared = (at: Span, op: string, signs: readonly Span[]): Diagnostic =>
  error('ATTN0132', 'quotient-compared', at, `'/' of integers gives a float, and '${op}' compares it exactly`, {
    hint: "'div' rounds down",
    fix: signs.length === 2 ? signs.flatMap((sign) => replaceSign(sign, 'div')) : undefined,
  })

export const rebindsOtherType = (at: Span, name: string, got: Type, before: Span, type: Type): Diagnostic =>
  error('ATTN0133', 'rebinds-other-type', at, `'${name}' starts as ${typeName[type]} and becomes ${typeName[got]}`, {
    notes: [{ span: before, text: 'its first value' }],
  })

// Clauses.

export const maskNotBool = (at: Span, type: Type): Diagnostic =>
  error('ATTN0134', 'mask-not-bool', at, `the mask says which pairs are admitted, and this is ${typeName[type]}`, {
    hint: 'a term that is added belongs to the score',
  })

export const variesOverFeature = (at: Span, name: string, axes: readonly string[]): Diagnostic =>
  error(
    'ATTN0135',
    'varies-over-feature',
    at,
    `'${name}' has one value for each pair, and this varies over ${brackets(axes)}`,
    {
      hint: 'dot(q, k) and sum[d](x) take the feature axis away',
    },
  )

export const maskNeedsItself = (at: Span, path: readonly string[], mask: Span): Diagnostic =>
  error(
    'ATTN0136',
    'mask-needs-itself',
    at,
    `this goes over the admitted pairs, and the mask depends on it: ${path.join(' -> ')}`,
    {
      notes: [{ span: mask, text: 'the mask' }],
      hint: "say what it goes over: '[j where true]' is the whole axis",
    },
  )

export const missingDefinition = (at: Span, name: string): Diagnostic =>
  error('ATTN0137', 'missing-definition', at, `this needs '${name}', which the attention does not define`, {
    hint: name === 'score' ? 'score = dot(q, k) / sqrt(size(d))' : 'normalize = softmax[j](score)',
  })

export const missingResult = (at: Span, name: string, hasWeight: boolean): Diagnostic =>
  error('ATTN0138', 'missing-result', at, `'${name}' has no result`, {
    hint: hasWeight
      ? "by default it is sum[j](weight * v): declare an input 'v', or write an 'output'"
      : "define 'normalize', or write an 'output'",
  })

export const clauseTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0139', 'clause-twice', at, `'${name}' stands twice in this attention`, {
    notes: [{ span: before, text: 'first here' }],
  })

export const resultTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0140', 'result-twice', at, `a result named '${name}' meets another of that name, or an input or param`, {
    notes: [{ span: before, text: 'this one' }],
  })

export const resultLacksAxes = (at: Span, axes: readonly string[]): Diagnostic =>
  error('ATTN0141', 'result-lacks-axes', at, `this result varies over ${brackets(axes)} as well`, {
    hint: `name all axes after 'as', or reduce over ${list(axes)}`,
  })

export const viewNotGather = (at: Span, name: string): Diagnostic =>
  error('ATTN0142', 'view-not-gather', at, `the view '${name}' has to be an input read elsewhere`, {
    hint: 'view kj = k[p = table[m = j / 16]]; anything else is a let',
  })

export const substitutedAxisMissing = (at: Span, axis: string, of: Span, axes: readonly string[]): Diagnostic =>
  error('ATTN0143', 'substituted-axis-missing', at, `this does not vary over '${axis}'`, {
    notes: [{ span: of, text: `varies over ${brackets(axes)}` }],
  })

export const assignedUnknown = (at: Span, name: string, lets: readonly string[]): Diagnostic =>
  error('ATTN0144', 'assigned-unknown', at, `'${name}' is not a let of this block, and only such can be rebound`, {
    hint: `give it a first value before the loop: let ${name} = 0`,
    ...correctName(at, name, lets),
  })

export const notFixed = (at: Span, what: string): Diagnostic =>
  error('ATTN0145', 'not-fixed', at, `${what} may use sizes, params and constants only`)

export const constWithoutValue = (at: Span, name: string): Diagnostic =>
  error('ATTN0146', 'const-without-value', at, `the constant '${name}' has no value`, { hint: `const ${name} = 32` })

export const rangeOfBool = (at: Span): Diagnostic => error('ATTN0147', 'range-of-bool', at, 'a bool has no range')

export const emptyRange = (at: Span): Diagnostic =>
  error('ATTN0148', 'empty-range', at, 'no number lies in this range', { hint: 'the smaller bound stands first' })

export const wrongRangeType = (at: Span, type: Type, got: Type): Diagnostic =>
  error('ATTN0149', 'wrong-range-type', at, `a bound of ${typeName[type]} cannot be ${typeName[got]}`)

// Axes.

export const axisDeclaredTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0150', 'axis-declared-twice', at, `the axis '${name}' is declared twice`, {
    notes: [{ span: before, text: 'first here' }],
  })

export const axisWithoutLength = (at: Span, name: string, declared: boolean): Diagnostic =>
  error('ATTN0151', 'axis-without-length', at, `the axis '${name}' has no length`, {
    label: declared ? 'declared here' : 'used here',
    hint: `no input has it: add it to one, or declare its length, as in 'axis ${name} like j' or 'axis ${name} = 32'`,
  })

export const cyclicAxis = (at: Span, path: readonly string[]): Diagnostic =>
  error('ATTN0152', 'cyclic-axis', at, `an axis is declared by itself: ${path.join(' -> ')}`)

export const cyclicLength = (at: Span, what: string, path: readonly string[] = []): Diagnostic =>
  error('ATTN0153', 'cyclic-length', at, [`${what} depends on itself`, path.join(' -> ')].filter(Boolean).join(': '))

export const widthOutOfRange = (at: Span, axis: string, width: number, most: number): Diagnostic =>
  error('ATTN0154', 'width-out-of-range', at, `a feature axis is 1 to ${most} wide, and '${axis}' would be ${width}`)

export const notDivided = (at: Span, part: string, n: number, whole: string, m: number): Diagnostic =>
  error('ATTN0155', 'not-divided', at, `'${part}' divides '${whole}', and ${n} does not divide ${m}`)

export const settingTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0156', 'setting-twice', at, `'${name}' is set twice`, { notes: [{ span: before, text: 'first here' }] })

export const tileOutOfRange = (at: Span, size: number, most: number): Diagnostic =>
  error('ATTN0157', 'tile-out-of-range', at, `a tile has 1 to ${most} places, and this would have ${size}`)

export const unknownPrecision = (at: Span, name: string): Diagnostic =>
  error('ATTN0158', 'unknown-precision', at, `there is no precision '${name}'`, { hint: "it is 'accurate' or 'fast'" })

export const defaultOutOfRange = (at: Span, name: string, range: Span): Diagnostic =>
  error('ATTN0159', 'default-out-of-range', at, `the value of '${name}' does not lie in its range`, {
    notes: [{ span: range, text: 'its range' }],
  })

export const lengthTooSmall = (at: Span, name: string, length: number): Diagnostic =>
  error('ATTN0167', 'length-too-small', at, `the axis '${name}' cannot have the length ${length}`)

// Files and limits.

export const nothingDefined = (file: SourceFile): Diagnostic =>
  error('ATTN0160', 'nothing-defined', spanOf(file, 0, 0), "this file has neither an 'attention' nor a 'fn'", {
    hint: 'attention name { input ...  score = ...  normalize = ... }',
  })

export const importNotRead = (at: Span, path: string, problem: string): Diagnostic =>
  error('ATTN0161', 'import-not-read', at, `'${path}' cannot be imported: ${problem}`)

export const importCycle = (at: Span, path: readonly string[]): Diagnostic =>
  error('ATTN0162', 'import-cycle', at, `files import each other: ${path.join(' -> ')}`)

export const tooManyImports = (at: Span, most: number): Diagnostic =>
  error('ATTN0163', 'too-many-imports', at, `more than ${most} files are imported`)

export const importedTwice = (at: Span, name: string, before: Span): Diagnostic =>
  error('ATTN0164', 'imported-twice', at, `'${name}' comes from two imports`, {
    notes: [{ span: before, text: 'the other' }],
    hint: `a 'fn ${name}' of this file hides both`,
  })

export const expansionTooLarge = (at: Span, most: number): Diagnostic =>
  error(
    'ATTN0165',
    'expansion-too-large',
    at,
    `with its functions expanded this attention has more than ${most} parts`,
    {
      hint: 'name what is used twice with a let: a call is expanded each time',
    },
  )

export const tooDeep = (at: Span, most: number): Diagnostic =>
  error('ATTN0166', 'too-deep', at, `more than ${most} operations follow on each other here`, {
    hint: "write a long chain as a reduction or as 'repeat'",
  })
