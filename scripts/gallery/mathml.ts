/** Formulas set as MathML, which browsers show without a script. */
import type { Definition } from '../../compiler/explain/define.ts'
import { type Formula, type Place, parseFormula } from './formula.ts'
import { escaped } from './html.ts'

/** Equations below each other; the rounds of a `repeat` as a block of their own. */
export const setDefinitions = (all: readonly Definition[]): string =>
  all.map((d) => (d.rounds ? setRounds(d, d.rounds) : setEquation(name(d.name, d.axes), d.formula))).join('\n')

function setRounds(d: Definition, { from, lines }: NonNullable<Definition['rounds']>): string {
  const first = from.map((line) => math(name(line.name, []) + sign('=') + set(parseFormula(line.formula)))).join(', ')
  const [, count = d.formula] = /^repeated (.*) times$/.exec(d.formula) ?? []
  const head = `<p>repeated ${math(set(parseFormula(count)))} times, from ${first}:</p>`
  return `<div class="rounds">${head}<div class="equations">\n${setDefinitions(lines)}\n</div></div>`
}

const setEquation = (left: string, formula: string): string =>
  `<div class="equation"><span>${math(left)}</span><span>${math(sign('=') + set(parseFormula(formula)))}</span></div>`

const math = (content: string): string => `<math display="block">${content}</math>`

const sign = (text: string): string => `<mo>${escaped(text)}</mo>`
const word = (text: string): string => `<mo lspace="0.35em" rspace="0.35em">${text}</mo>`
/** Around what is taller than a line, parentheses grow. */
const around = ([open, close]: readonly [string, string], content: string): string => {
  const grows = /<(?:mfrac|msqrt|mtable)/.test(content)
  const fence = (text: string): string => `<mo stretchy="${grows}">${text}</mo>`
  return row(fence(open), content, fence(close))
}
const parentheses = ['(', ')'] as const
const brackets = ['[', ']'] as const
const bars = ['|', '|'] as const
const braces = ['{', '}'] as const
const row = (...parts: readonly string[]): string => `<mrow>${parts.join('')}</mrow>`

/** `t1` is t with an index; a name of several letters stands upright by itself. */
function name(text: string, axes: readonly string[]): string {
  const [, letters, digits] = /^([A-Za-z]+)(\d+)$/.exec(text) ?? []
  const indices = [...(digits === undefined ? [] : [`<mn>${digits}</mn>`]), ...axes.map((axis) => `<mi>${axis}</mi>`)]
  const base = `<mi>${escaped(letters ?? text)}</mi>`
  return indices.length === 0 ? base : `<msub>${base}${row(indices.join(sign(',')))}</msub>`
}

const tightness: Readonly<Record<string, number>> = { or: 1, and: 2, '+': 5, '-': 5, '^': 9 }
const [comparison, product, unary, atom] = [4, 6, 7, 10] as const
const tightnessOf = (op: string): number => tightness[op] ?? ('<≤>≥==≠'.includes(op) ? comparison : product)

/**
 * @param outer  how tightly what stands around it binds
 * @param small  whether it stands in an index or an exponent, where fractions stay in the line
 */
function set(f: Formula, outer = 0, small = false): string {
  switch (f.kind) {
    case 'name':
      return name(f.text, [])
    case 'number':
      return setNumber(f.text)
    case 'words':
      return `<mtext>${escaped(f.text)}</mtext>`
    case 'prefix':
      return f.op === 'not'
        ? within(word('not') + set(f.of, 3, small), outer > 3)
        : within(sign('−') + set(f.of, unary, small), outer > product)
    case 'infix':
      return setInfix(f, outer, small)
    case 'root':
      return `<msqrt>${set(f.of, 0, small)}</msqrt>`
    case 'size':
      return around(bars, set(f.of, 0, small))
    case 'call':
      return setCall(f.name, f.args, small)
    case 'at':
      return row(set(f.of, atom, small), around(brackets, f.places.map((p) => setPlace(p, small)).join(sign(','))))
    case 'fold':
      return within(setFold(f, small), outer >= product)
    case 'choice':
      return setChoice(f, small)
    case 'solve':
      return setSolve(f, small)
  }
}

const within = (content: string, isInner: boolean): string => (isInner ? around(parentheses, content) : row(content))

/** `1e-12` as a power of ten. */
function setNumber(text: string): string {
  const [, digits, power] = /^(\d+(?:\.\d+)?)e([+-]?\d+)$/.exec(text) ?? []
  if (digits === undefined || power === undefined) return `<mn>${text}</mn>`
  const ten = `<msup><mn>10</mn><mn>${power.replace('-', '−')}</mn></msup>`
  return digits === '1' ? ten : row(`<mn>${digits}</mn>`, sign('·'), ten)
}

const shown: Readonly<Record<string, string>> = { '==': '=', '-': '−', '%': 'mod' }

function setInfix({ op, left, right }: Extract<Formula, { kind: 'infix' }>, outer: number, small: boolean): string {
  if (op === '^') return `<msup>${row(set(left, atom, small))}${row(set(right, 0, true))}</msup>`
  if (op === '/' && !small) {
    const fraction = `<mfrac>${row(set(left))}${row(set(right))}</mfrac>`
    return outer >= atom ? within(fraction, true) : fraction
  }
  const tight = tightnessOf(op)
  const text = shown[op] ?? op
  const between = /^[a-z]/.test(text) ? word(text) : sign(text)
  const parts = set(left, tight, small) + between + set(right, tight + 0.5, small)
  return within(parts, outer > tight)
}

function setCall(called: string, args: readonly Formula[], small: boolean): string {
  const [only] = args
  if (called === 'exp2' && only) return `<msup><mn>2</mn>${row(set(only, 0, true))}</msup>`
  const inside = args.map((arg) => set(arg, 0, small)).join(sign(','))
  return row(name(called, []), '<mo>&#x2061;</mo>', around(parentheses, inside))
}

const setPlace = ({ axis, index, elseZero }: Place, small: boolean): string =>
  row(name(axis, []), sign('='), set(index, 0, small), elseZero ? `${word('else')}<mn>0</mn>` : '')

function setFold({ sign: op, over, where, of }: Extract<Formula, { kind: 'fold' }>, small: boolean): string {
  const below = over.map((one) => set(one, 0, true)).join(sign(','))
  const under = row(below, where ? sign(':') + set(where, 0, true) : '')
  const head = op === 'Σ' ? `<mo movablelimits="false">∑</mo>` : `<mo movablelimits="false" rspace="0.2em">${op}</mo>`
  const whole = small ? `<msub>${head}${under}</msub>` : `<munder>${head}${under}</munder>`
  return of ? whole + set(of, op === 'Σ' ? product : atom, small) : whole
}

/** One line for each case. */
function setChoice(f: Extract<Formula, { kind: 'choice' }>, small: boolean): string {
  const line = (value: Formula, when: string): string =>
    `<mtr><mtd>${set(value, 0, small)}</mtd><mtd>${when}</mtd></mtr>`
  const lines: string[] = []
  let rest: Formula = f
  for (; rest.kind === 'choice'; rest = rest.no)
    lines.push(line(rest.yes, `<mtext>if&nbsp;</mtext>${set(rest.condition, 0, small)}`))
  lines.push(line(rest, '<mtext>otherwise</mtext>'))
  return row(
    '<mo stretchy="true">{</mo>',
    `<mtable displaystyle="true" columnalign="left left">${lines.join('')}</mtable>`,
  )
}

function setSolve({ variable, low, high, of }: Extract<Formula, { kind: 'solve' }>, small: boolean): string {
  const range = around(brackets, set(low, 0, small) + sign(',') + set(high, 0, small))
  const condition = row(set(of, comparison + 1, small), sign('≥'), '<mn>0</mn>')
  return row('<mi>max</mi>', around(braces, row(name(variable, []), sign('∈'), range, word(':'), condition)))
}
