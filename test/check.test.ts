import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { printModule } from '../compiler/print-ir.ts'
import { verifyModule } from '../compiler/verify-ir.ts'
import { attentionOf, check, codes, frame, framed, ir, printExpr, resultOf } from './check/source.ts'

const axesOf = (clauses: string, name = 'x'): string => resultOf(framed(clauses), name).axes.join('')
const typeOf = (clauses: string): string => resultOf(framed(clauses), 'x').type

describe('numbers', () => {
  test.each([
    ['2', '2'],
    ['2.0', '2.0'],
    ['1e-6', '0.000001'],
    ['-2', '-2'],
    ['i + 1', 'i + 1'],
    ['i + 1.0', 'float(i) + 1.0'],
    ['1 + exp(0.5)', '1.0 + exp(0.5)'],
    ['i / 2', 'float(i) / 2.0'],
    ['i div 2', 'i div 2'],
    ['1.5 div 2', '1.5 div 2.0'],
    ['i % 2', 'i % 2'],
    ['1.5 % 2', '1.5 % 2.0'],
    ['2 ^ i', '2.0 ^ i'],
    ['i ^ 0.5', 'float(i) ^ 0.5'],
    ['-i ^ 2', '-float(i) ^ 2'],
    ['(-i) ^ 2', 'float(-i) ^ 2'],
    ['2 ^ -1', '2.0 ^ -1'],
    ['sqrt(size(d))', 'sqrt(float(size(d)))'],
    ['floor(1.5)', 'floor(1.5)'],
    ['int(1.5)', 'int(1.5)'],
    ['int(i)', 'i'],
    ['abs(i - j)', 'abs(i - j)'],
    ['min(i, j)', 'min(i, j)'],
    ['max(i, 0.5)', 'max(float(i), 0.5)'],
    ['max(i, j, 3)', 'max(max(i, j), 3)'],
    ['clamp(i, 0, 1.0)', 'min(max(float(i), 0.0), 1.0)'],
    ['atan2(1, i)', 'atan2(1.0, float(i))'],
    ['if i > 1 then 1 else 2', 'if 1 < i then 1 else 2'],
    ['if i >= 1 then 1 else 2.0', 'if 1 <= i then 1.0 else 2.0'],
    ['if i < 1.5 then 1 else 2', 'if float(i) < 1.5 then 1 else 2'],
    ['if i == 1 or not (i != 2) and true then 1 else 2', 'if i == 1 or not i != 2 and true then 1 else 2'],
    ['stop_gradient(i)', 'stop_gradient(i)'],
    ['straight_through(i, 1.0)', 'straight_through(float(i), 1.0)'],
    ['random(7, i, j)', 'random(7, i, j)'],
    ['random(7)', 'random(7)'],
  ])('%s is %s', (source, text) => expect(ir(`output x = ${source}`)).toBe(text))

  test.each([
    ['i', 'i32'],
    ['size(j)', 'i32'],
    ['i / j', 'f32'],
    ['count[j]()', 'i32'],
    ['sum[j where true](j)', 'i32'],
    ['mean[j where true](j)', 'f32'],
    ['max[j where true](j)', 'i32'],
    ['logsumexp[j where true](j)', 'f32'],
    ['any[j where true](j > 3)', 'bool'],
    ['2 ^ 3', 'f32'],
    ['random(1, i)', 'f32'],
  ])('%s is %s', (source, type) => expect(typeOf(`output x = ${source}`)).toBe(type))

  test('score, normalize and weight are floats', () => {
    const a = framed('score = i - j\nnormalize = 1')
    expect([a.score?.type, a.weight?.type]).toEqual(['f32', 'f32'])
  })
})

describe('index positions', () => {
  test('a quotient of integers is rounded down there, and only there', () => {
    expect(ir('output x = k[j = j / 2]')).toBe('k[j = j div 2]')
    expect(ir('output x = k[j = (j + i / 2) / 2]')).toBe('k[j = (j + i div 2) div 2]')
    expect(ir('output x = k[j = min(j / 2, 3)]')).toBe('k[j = min(j div 2, 3)]')
    expect(ir('output x = k[j = if i / 2 > 1.5 then j / 2 else 0]')).toBe(
      'k[j = if 1.5 < float(i) / 2.0 then j div 2 else 0]',
    )
    expect(ir('output x = k[j = int(log(j / 2))]')).toBe('k[j = int(log(float(j) / 2.0))]')
  })

  test('an argument of a function is none', () => {
    expect(ir('fn f(y) = int(y * 2)\noutput x = k[j = f(j / 2)]')).toBe('k[j = int(float(j) / 2.0 * 2.0)]')
  })
})

describe('names', () => {
  test('a let hides the index of an axis, not the axis', () => {
    expect(ir('let e = 2.5\noutput x = e * size(e) + sum[e](v)')).toBe('2.5 * float(size(e)) + sum[e](v)')
  })

  test('clauses stand in any order', () => {
    expect(ir('output x = a1\nlet a1 = a2 + 1\nlet a2 = size(j)')).toBe('size(j) + 1')
  })

  test('an axis parameter is a value, the index of the axis given', () => {
    expect(ir('fn f[y](s) = s * y\noutput x = f[j](2)')).toBe('2 * j')
  })

  test('parameters and lets of a function may hide what lies outside, i and j too', () => {
    expect(ir('let a1 = 2\nfn f(i) = { let a1 = i + 1; a1 * 2 }\noutput x = f(size(d))')).toBe('(size(d) + 1) * 2')
  })

  test('a fn of the file sees no names of the attention, one inside it does', () => {
    expect(codes(`fn f(x) = x + bias\n${frame('input bias[h]: f32\nscore = f(dot(q, k)) + bias')}`)).toEqual([
      'ATTN0100',
    ])
    expect(codes(frame('input bias[h]: f32\nfn f(x) = x + bias\nscore = f(dot(q, k))'))).toEqual([])
  })

  test("a fn of the file sees the conventional axes, not the attention's own", () => {
    expect(codes(`fn f(x) = sum[d](x) + size(j)\n${frame('score = f(q * k)')}`)).toEqual([])
    expect(codes(`fn f(x) = sum[r](x)\n${frame('axis r = 4\ninput y[r]: f32\nscore = dot(q, k) + f(y)')}`)).toEqual([
      'ATTN0102',
    ])
  })

  test("solve's variable and its kin do not reach outside", () => {
    expect(codes(frame('let a1 = solve(t in [0, 1]: 0.5 - t) + t\nscore = dot(q, k) + a1'))).toEqual(['ATTN0100'])
  })

  test("a file's own fn hides an imported one, which hides the library's, each with a warning", () => {
    const others = { 'b.attn': 'fn relu(x) = x * 2' }
    expect(
      check('import "b.attn"\nattention a { input y[i] output relu(y) }', others).found.map(({ code }) => code),
    ).toEqual(['ATTN0203'])
    expect(
      printExpr(attentionOf('import "b.attn"\nattention a { input y[i] output relu(y) }', others).results[0]!.expr),
    ).toBe('y * 2.0')
    const own = 'import "b.attn"\nfn relu(x) = x * 3\nattention a { input y[i] output relu(y) }'
    expect(printExpr(attentionOf(own, others).results[0]!.expr)).toBe('y * 3.0')
  })

  test('what a file imports is not handed on', () => {
    const others = { 'b.attn': 'import "c.attn"\nfn f(x) = g(x)', 'c.attn': 'fn g(x) = x + 1' }
    expect(
      printExpr(attentionOf('import "b.attn"\nattention a { input y[i] output f(y) }', others).results[0]!.expr),
    ).toBe('y + 1.0')
    expect(codes('import "b.attn"\nattention a { input y[i] output g(y) }', others)).toEqual(['ATTN0101'])
  })

  test('a module names every file that it was made of', () => {
    const { result } = check('import "b.attn"\nfn f(x) = x', {
      'b.attn': 'import "c.attn"\nfn f2(x) = x',
      'c.attn': 'fn g(x) = x',
    })
    expect(result.ok && result.value.dependencies).toEqual(['main.attn', 'b.attn', 'c.attn'])
  })

  test('a call is expanded anew each time, its arguments once', () => {
    const text = ir('fn f(y) = y * y\noutput x = f(logsumexp[j](score))')
    expect(text).toBe('t1: f32[b, h, i] = logsumexp[j](sum[d](q * k))\nt1 * t1')
  })
})

describe('axes', () => {
  test('an expression over g that meets h reads g from h', () => {
    const clauses = 'axis g divides h\ninput bias[g]: f32\nscore = dot(q, k) + bias'
    expect(ir(`${clauses}\noutput x = score`)).toContain('bias[g = h div (size(h) div size(g))]')
    expect(axesOf(`${clauses}\noutput x = bias * 2`)).toBe('g')
    expect(axesOf(`${clauses}\noutput x as [h] = bias * 2`)).toBe('h')
  })

  test('an expression over g is read as one over h where h is substituted', () => {
    expect(ir('axis g divides h\ninput bias[g]: f32\noutput x = bias[h = 3]')).toBe(
      'bias[g = h div (size(h) div size(g))][h = 3]',
    )
  })

  test('a reduction over h meets g, one over g keeps it', () => {
    const clauses = 'axis g divides h\ninput bias[g]: f32, other[h]: f32\n'
    expect(ir(`${clauses}output x = sum[h](bias)`)).toBe('sum[h](bias[g = h div (size(h) div size(g))])')
    expect(ir(`${clauses}output x = sum[g](bias)`)).toBe('sum[g](bias)')
    expect(axesOf(`${clauses}output x = sum[g](bias) * other`)).toBe('h')
  })

  test('what meets twice is read once', () => {
    expect(ir('axis g divides h\ninput bias[g]: f32, other[h]: f32\noutput x = other * bias + other / bias')).toContain(
      't1: f32[h] = bias[',
    )
  })

  test('an axis that is like another has an index of its own', () => {
    const a = framed('axis a2 like h\ninput pre[a2, h]: f32\nscore = sum[a2](pre * dot(q, k)[h = a2])')
    expect(a.score?.axes.join('')).toBe('bhij')
    expect(a.axes.find(({ name }) => name === 'a2')?.length).toEqual({ kind: 'like', of: 'h' })
  })

  test('axes are listed conventional ones first, then as declared', () => {
    const a = framed('axis z = 2, y = 3\ninput s[y, z]: f32\nscore = dot(q, k) + sum[y, z](s)')
    expect(a.axes.map(({ name }) => name)).toEqual(['b', 'h', 'i', 'j', 'd', 'e', 'z', 'y'])
    expect(a.axes.map(({ length }) => length.kind)).toEqual([...Array(6).fill('input'), 'fixed', 'fixed'])
  })

  test('known at compile time: d, e, and what a pair expression is reduced over besides i and j', () => {
    const times = (clauses: string): string =>
      framed(clauses)
        .axes.filter(({ time }) => time === 'compile')
        .map(({ name }) => name)
        .join(' ')
    expect(times('')).toBe('d e')
    expect(times('axis a2 like h\ninput pre[a2, h]: f32\nscore = sum[a2](pre * dot(q, k)[h = a2])')).toBe('h d e a2')
    expect(times('axis r\ninput z[r]: f32\nscore = dot(q, k) + sum[r](z)')).toBe('d e')
    expect(times('axis r\ninput z[r]: f32\nscore = sum[r](z * dot(q, k))')).toBe('d e r')
    expect(times('split j into (c, t) by 8\noutput x = max[t](score)')).toBe('d e')
  })

  test('an input over both g and h is read where g is that of h', () => {
    expect(axesOf('axis g divides h\ninput m[g, h]: f32\noutput x = m + 1')).toBe('h')
  })
})

describe('parts of an axis', () => {
  const split = 'split j into (c, t) by 16\ninput lm[c]: f32, rel[t]: f32\n'

  test('are read from j wherever j is known', () => {
    expect(ir(`${split}output x = lm + rel + j`)).toBe('(lm + rel)[c = j div 16, t = j % 16] + float(j)')
    expect(axesOf(`${split}output x = lm + rel`)).toBe('ct')
  })

  test('a reduction over one sees the places that are not past the end', () => {
    expect(ir(`${split}output x = sum[t](k)`)).toBe('sum[t where c * 16 + t < size(j)](k[j = c * 16 + t])')
    expect(axesOf(`${split}output x = sum[t](k)`)).toBe('bhcd')
    expect(ir(`${split}output x = sum[c, t](k)`)).toBe('sum[c, t where c * 16 + t < size(j)](k[j = c * 16 + t])')
    expect(ir(`${split}output x = sum[c](lm)`)).toBe('sum[c](lm)')
    expect(ir(`${split}output x = sum[t](lm * rel)`)).toBe('sum[t where c * 16 + t < size(j)](lm * rel)')
  })

  test('a pair expression is reduced over the admitted pairs', () => {
    const text = ir(`${split}mask = j <= i\noutput x = max[t](dot(q, k))`)
    expect(text).toBe('max[t where c * 16 + t < size(j) and (j <= i)[j = c * 16 + t]](sum[d](q * k)[j = c * 16 + t])')
    expect(axesOf(`${split}mask = j <= i\noutput x = max[t](dot(q, k))`)).toBe('bhic')
  })

  test('where is moved to the parts too', () => {
    expect(ir(`${split}output x = max[t where j < 5](dot(q, k))`)).toContain(
      'max[t where c * 16 + t < size(j) and (j < 5)[j = c * 16 + t]]',
    )
  })

  test('a substitution of one moves j, a substitution of j moves them', () => {
    expect(ir(`${split}output x = k[c = 0]`)).toBe('k[j = c * 16 + t][c = 0]')
    expect(axesOf(`${split}output x = k[c = 0]`)).toBe('bhtd')
    expect(ir(`${split}output x = k[c = 0, t = 1 else 0]`)).toBe('k[j = c * 16 + t][c = 0, t = 1 else 0]')
    expect(ir(`${split}output x = lm[j = i]`)).toBe('lm[c = j div 16][j = i]')
  })

  test('an axis of a split knows its length', () => {
    const part = framed(`${split}score = dot(q, k) + lm + rel`).axes.filter(({ length }) => length.kind === 'part')
    expect(part.map(({ name, length }) => `${name} ${length.kind === 'part' && length.role}`)).toEqual([
      'c outer',
      't inner',
    ])
  })
})

describe('substitution', () => {
  test('all index expressions are evaluated here, at once', () => {
    expect(ir('axis i like j\noutput x = score[i = j, j = i]')).toBe('sum[d](q * k)[i = j, j = i]')
  })

  test('varies over what stays and what the indices vary over', () => {
    expect(axesOf('output x = k[j = i else 0]')).toBe('bhid')
    expect(axesOf('output x = k[j = 0]')).toBe('bhd')
    expect(axesOf('output x = v[e = d]')).toBe('bhjd')
  })

  test('an index over a grouped axis meets what stays', () => {
    const text = ir('axis g divides h\ninput bias[g, i]: f32, at[h]: i32\noutput x = bias[i = at]')
    expect(text).toBe('bias[g = h div (size(h) div size(g))][i = at]')
  })

  test('a view is a let', () => {
    expect(ir('axis m, p\ninput kp[p, d], table[b, m]: i32\nview kj = kp[p = table[m = j / 16]]\noutput x = kj')).toBe(
      'kp[p = table[m = j div 16]]',
    )
  })

  test('an integer input that is used as an index says of which axis', () => {
    const a = framed('axis p\ninput kp[p, d], table[j]: i32, doc[j]: i32\nscore = dot(q, kp[p = table]) + doc')
    expect(a.inputs.map(({ name, indexes }) => [name, indexes]).filter(([, indexes]) => indexes)).toEqual([
      ['table', 'p'],
    ])
  })
})

describe('domains', () => {
  const mask = 'mask = j <= i\n'
  test.each([
    ['a pair expression: the admitted pairs', 'max[j](score)', 'max[j where mask](score)'],
    ['and over i', 'max[i](score)', 'max[i where mask](score)'],
    ['and over both', 'max[i, j](score)', 'max[i, j where mask](score)'],
    ['other axes do not matter', 'max[h, j](score)', 'max[h, j where mask](score)'],
    ['any other axis: the whole', 'max[h](score)', 'max[h](score)'],
    ['a body over keys alone: the whole', 'max[j where true](k)', 'max[j](k)'],
    ['where: instead of the mask', 'max[j where j > 2](score)', 'max[j where 2 < j](score)'],
    ['where true: the whole axis', 'max[j where true](score)', 'max[j](score)'],
    ['where mask and c: both', 'max[j where mask and j > 2](score)', 'max[j where mask and 2 < j](score)'],
    ['count of nothing: the pairs', 'count[j]()', 'count[j where mask]()'],
    ['count of a condition', 'count[j](score > 0)', 'count[j where mask and 0.0 < score]()'],
    ['a running sum', 'cumsum[j](score)', 'cumsum[j where mask](score)'],
    ['weight is a pair expression', 'sum[j](weight)', 'sum[j where mask](weight)'],
  ])('%s', (_, source, text) => {
    const shown = ir(`${mask}output x = ${source}`)
    const a = framed(`${mask}output x = ${source}`)
    const names = new Map([
      [printExpr(a.mask!), 'mask'],
      [printExpr(a.score!), 'score'],
    ])
    let inlined = shown.split('\n').at(-1)!
    for (const [long, short] of names) inlined = inlined.replaceAll(long, short)
    if (source.includes('weight')) expect(inlined).toContain('sum[j where')
    else expect(inlined).toBe(text)
  })

  test('without a mask there is none', () => {
    expect(ir('output x = max[j](score)')).toBe('max[j](sum[d](q * k))')
    expect(ir('mask = true\noutput x = max[j](score)')).toBe('max[j](sum[d](q * k))')
  })

  test('an axis argument carries it to every reduction of the function', () => {
    expect(ir('output x = softmax[j where j > 2](sum[d](k))')).toContain('t3 / sum[j where t2](t3)')
    expect(ir('fn f[y](s) = max[y](s) + max[y where true](s)\noutput x = f[j where j > 2](sum[d](k))')).toBe(
      't1: f32[b, h, j] = sum[d](k)\nmax[j where 2 < j](t1) + max[j](t1)',
    )
    expect(ir('fn g1[y](s) = f[y](s)\nfn f[y](s) = max[y](s)\noutput x = g1[j where j > 2](score)')).toContain(
      'max[j where 2 < j]',
    )
  })

  test('in the mask a reduction sees its whole axis', () => {
    const a = framed('mask = score > mean[j](score)\noutput x = max[j](score)')
    expect(printExpr(a.mask!)).toBe('t1: f32[b, h, i, j] = sum[d](q * k)\nmean[j](t1) < t1')
    expect(framed('fn f(s) = mean[j](s)\nmask = score > f(score)').mask).toBeDefined()
  })

  test('var is the mean of squared differences over one domain', () => {
    expect(ir(`${mask}output x = var[j](score)`)).toContain('mean[j where t2](t3 * t3)')
    expect(ir('output x = var[j](k)')).toBe('t1: f32[b, h, j, d] = k - mean[j](k)\nmean[j](t1 * t1)')
    expect(ir('output x = var[j, d](k)')).toBe('t1: f32[b, h, j, d] = k - mean[j, d](k)\nmean[j, d](t1 * t1)')
  })

  test('the mask is taken over its own axes', () => {
    expect(axesOf('input len[b]: i32\nmask = j < len\noutput x = max[j](i + j)')).toBe('bi')
  })
})

describe('clauses', () => {
  test('score and weight vary over i and j by declaration', () => {
    const a = framed('score = sum[d](k)\nnormalize = exp(score)')
    expect(a.score?.axes.join('')).toBe('bhij')
    expect(printExpr(a.score!)).toBe('spread[i](sum[d](k))')
    expect(framed('score = 1\nnormalize = 1\noutput x = max[j](score)').weight?.axes.join('')).toBe('ij')
  })

  test('weight is 0 where the mask is not', () => {
    expect(printExpr(framed('mask = j <= i\nnormalize = sigmoid(score)').weight!)).toBe(
      'if j <= i then 1.0 / (1.0 + exp(-sum[d](q * k))) else 0.0',
    )
    expect(printExpr(framed('normalize = score').weight!)).toBe('sum[d](q * k)')
  })

  test('results: the default one, then those with a name', () => {
    const names = (clauses: string) => framed(clauses).results.map(({ name }) => name)
    expect(names('')).toEqual(['out'])
    expect(names('output lse = logsumexp[j](score)')).toEqual(['out', 'lse'])
    expect(names('output z = 1\noutput sum[j](v)\noutput lse = logsumexp[j](score)')).toEqual(['out', 'z', 'lse'])
    expect(names('output out = sum[j](weight * v)')).toEqual(['out'])
    expect(attentionOf('attention a { input x[i, j] output y = max[j](x) }').results.map(({ name }) => name)).toEqual([
      'y',
    ])
    expect(
      attentionOf('attention a { input x[i, j] normalize = x output map = weight }').results.map(({ name }) => name),
    ).toEqual(['map'])
  })

  test('a result has its axes in memory order, or as it says', () => {
    const axes = (clauses: string) => framed(clauses).results.at(-1)?.axes.join('')
    expect(axes('')).toBe('bhie')
    expect(axes('axis z = 2, y = 3\ninput s[y, e, z, d, b]: f32\noutput x = s')).toBe('bzyde')
    expect(axes('output x as [h, b, i] = logsumexp[j](score)')).toBe('hbi')
    expect(axes('output x as [e, b, j, h] = v')).toBe('ebjh')
  })

  test('out can be named', () => {
    expect(ir('output sum[j](weight * v)\noutput x = max[e](out)')).toContain('max[e](')
  })

  test('inputs, params and settings are as declared', () => {
    const a = framed(`
      input r[h]: f16 in [0.5, 1], n[j]: i32 in [0, 15], hub[j]: bool
      param w: i32 = 4 in [0, 9]
      param s = 1 / sqrt(size(d))
      param z
      const u = 3
      score = dot(q, k) * r * s + n + w + z + u
      mask = hub
      tile { i = 16, j = 32 }
      precision fast
      check { b = 1, d = 16 }
    `)
    expect(a.inputs.map(({ name, type, storage }) => `${name} ${type} ${storage}`)).toEqual([
      ...['q f32 undefined', 'k f32 undefined', 'v f32 undefined', 'r f32 f16', 'n i32 i32', 'hub bool bool'],
    ])
    expect(a.params.map((p) => `${p.time} ${p.name} ${p.type} ${p.default ? printExpr(p.default) : ''}`)).toEqual([
      ...['run w i32 4', 'run s f32 1.0 / sqrt(float(size(d)))', 'run z f32 ', 'compile u i32 3'],
    ])
    expect(a.inputs.flatMap(({ range }) => (range ? [printExpr(range.lo), printExpr(range.hi)] : []))).toEqual([
      '0.5',
      '1.0',
      '0',
      '15',
    ])
    expect([a.tile, a.precision, a.checks.map(({ sizes }) => sizes)]).toEqual([
      { i: 16, j: 32 },
      'fast',
      [{ b: 1, d: 16 }],
    ])
  })

  test('a check line of the file is for every attention, with the axes that it has', () => {
    const source =
      'attention a { axis r input x[i, r] output max[r](x) }\nattention c { input x[i] output x }\ncheck { i = 3, r = 4 }'
    const { result } = check(source)
    expect(result.ok && result.value.attentions.map(({ checks }) => checks[0]?.sizes)).toEqual([
      { i: 3, r: 4 },
      { i: 3 },
    ])
  })

  test('documentation is kept', () => {
    expect(attentionOf('/// One.\n/// Two.\nattention a { input x[i] output x }').doc).toEqual(['One.', 'Two.'])
  })
})

describe('repeat', () => {
  const run = (body: string, value = 'u'): string =>
    ir(`fn f(s, n) = { let u = 0; let w = 0; repeat n { ${body} } ${value} }\noutput x = f(score, 3)`)

  test('carries what is assigned, with the axes and the type that it comes to have', () => {
    expect(run('u = u + max[j](s)')).toBe(
      'loop1 = repeat 3\n  u.1: f32[b, h, i] = 0.0 then u.1 + max[j](sum[d](q * k))\nloop1.u.1',
    )
    expect(run('u = u + 1')).toBe('loop1 = repeat 3\n  u.1: i32 = 0 then u.1 + 1\nloop1.u.1')
  })

  test('assignments are sequential', () => {
    expect(run('u = u + 1; w = u * 2')).toContain('w.2: i32 = 0 then t1 * 2')
  })

  test('axes are found through the other values', () => {
    const text = run('w = u + max[i](s); u = max[j](s + w)', 'w')
    expect(text).toContain('u.2: f32[b, h, i]')
    expect(text).toContain('w.1: f32[b, h, i, j]')
  })

  test('a let inside is local', () => {
    expect(run('let z = u + 1; u = z * 2')).toContain('then (u.1 + 1) * 2')
    expect(
      codes(frame('fn f(s) = { let u = 0; repeat 2 { let z = u; u = z + s } u + z }\nscore = f(dot(q, k))')),
    ).toEqual(['ATTN0100'])
  })

  test('results of one loop share it', () => {
    const e = resultOf(
      framed('fn f(s) = { let u = 0; let w = 0; repeat 2 { u = u + 1; w = w + u } u + w }\noutput x = f(1)'),
      'x',
    )
    const [u, w] = e.kind === 'call' ? e.args : []
    expect(u?.kind === 'repeat' && w?.kind === 'repeat' && u.loop === w.loop && u.which !== w.which).toBe(true)
  })

  test('reductions inside it have the domain of the axes that the values come to have', () => {
    const text = ir('mask = j <= i\nfn f(s) = { let u = 0; repeat 2 { u = max[j](u + s) + s } u }\noutput x = f(score)')
    expect(text).toContain('max[j where j <= i](u.1 + t1)')
  })
})

describe('solve', () => {
  test('its variable varies over what bounds and body do', () => {
    const e = resultOf(framed('output x = solve(t in [0, 1]: sum[j](max(score - t, 0)) - 1)'), 'x')
    expect(e.kind === 'solve' && e.variable.axes.join('')).toBe('bhi')
    expect(e.axes.join('')).toBe('bhi')
  })

  test.each([
    '1 - t',
    '-t',
    'sum[j](max(score - t, 0)) - 1',
    'sum[j](exp(score - t)) - 1',
    'max(1 - t, 0) ^ 2',
    '3 / (1 + exp(t))',
    'count[j where true](j > 3) - t',
    'min(2 - 3 * t, 5 - t) - max(t, 2)',
    'if i > 3 then -t else 1 - t',
  ])('%s is proved not to rise', (f) => {
    expect(
      codes(frame(`output solve(t in [0, 1]: ${f})\nscore = weight\nnormalize = dot(q, k)`)).filter(
        (c) => c === 'ATTN0208',
      ),
    ).toEqual([])
  })

  test.each(['t', 't * t', 'sin(t)', 't - 1', 'if t > 1 then 1 else 0'])('%s is not', (f) => {
    expect(codes(frame(`output solve(t in [0, 1]: ${f})`))).toContain('ATTN0208')
  })
})

describe('warnings', () => {
  const warned = (clauses: string): readonly string[] => codes(frame(clauses))

  test('W201: only for the axes of the mask, only for what reaches a result, never in the mask', () => {
    expect(warned('mask = j <= i\nscore = dot(q, k) + mean[j](sum[d](k))')).toEqual(['ATTN0201'])
    expect(warned('mask = i > 3\nscore = dot(q, k) + mean[j](sum[d](k))')).toEqual([])
    expect(warned('score = dot(q, k) + mean[j](sum[d](k))')).toEqual([])
    expect(warned('mask = sum[d](k) > mean[j](sum[d](k))')).toEqual([])
    expect(warned('mask = j <= i\nscore = dot(q, k) + cumsum[j](sum[d](k))')).toEqual([])
    expect(warned('mask = j <= i\nlet a1 = mean[j](sum[d](k))')).toEqual(['ATTN0204'])
  })

  test('W201 in a function of the library points at its call', () => {
    const { found } = check(frame('mask = j <= i\nscore = dot(q, k) * softmax[j](sum[d](k))'))
    expect(found.map(({ code, at }) => `${code} ${at.span.file.path}`)).toEqual(['ATTN0201 main.attn'])
  })

  test('indices are proved: below their length, clamped, or data', () => {
    for (const index of [
      'j',
      'j % 7',
      'min(i, 3)',
      'size(j) - 1 - j',
      '0',
      'size(j) - 1',
      'table',
      'if i > 2 then j else 0',
      'j - j',
    ]) {
      expect(warned(`input table[b, i]: i32\nscore = dot(q, k) + sum[d](k[j = ${index}]) + table`), index).toEqual([])
    }
    for (const index of ['i', 'j + 1', 'j - 1', '3', 'table + 1', 'i - j', 'size(j)', 'abs(i)']) {
      expect(warned(`input table[b, i]: i32\nscore = dot(q, k) + sum[d](k[j = ${index}]) + table`), index).toEqual([
        'ATTN0205',
      ])
    }
    expect(warned('axis i like j\nscore = dot(q, k) + sum[d](k[j = i])')).toEqual([])
    expect(warned('axis r = 8\ninput z[r]: f32, at[j]: i32 in [0, 7]\nscore = dot(q, k) + z[r = 7 - at]')).toEqual([])
    expect(warned('axis r = 8\ninput z[r]: f32\nscore = dot(q, k) + z[r = t5_bucket(j - i, size(r), 128)]')).toEqual([])
  })

  test('integers: sums of places are fine, products are not', () => {
    for (const e of [
      'i + size(j) - size(i)',
      'abs(i - j)',
      'j - (size(j) - size(i) + i)',
      'i - 100000',
      '2 * i - j',
      '(i - j) div 2 * 2',
      'h * 8',
    ]) {
      expect(warned(`score = dot(q, k) + (${e})`), e).toEqual([])
    }
    for (const e of ['i * j', 'i * size(j)', '(i - j) * (i - j)', '16 * i', '4 * (i + j)']) {
      expect(warned(`score = dot(q, k) + (${e})`), e).toEqual(['ATTN0206'])
    }
  })

  test('functions outside their domain: only of inputs without a range', () => {
    expect(warned('score = log(dot(q, k))')).toEqual(['ATTN0209'])
    expect(warned('score = log(1 + exp(dot(q, k)))')).toEqual([])
    expect(warned('score = sqrt(dot(q, q)) + dot(q, k)')).toEqual([])
    expect(warned('score = dot(q, k) ^ 1.5')).toEqual(['ATTN0209'])
    expect(warned('score = dot(q, k) ^ 2')).toEqual([])
    expect(warned('score = dot(rms_norm[d](q), k) / sqrt(size(d))')).toEqual([])
  })
})

describe('every program of the language page', () => {
  const page = readFileSync(new URL('./check/language.attn', import.meta.url), 'utf8')
  const { result, found } = check(page)

  test('checks', () => {
    expect(result.ok && result.value.attentions.map(({ name }) => name)).toEqual([
      ...['sigmoid', 'kerple_log', 'gated_longformer', 'linear_elu', 'lightning', 'talking_heads', 'rope_t5_paged'],
    ])
    expect([...new Set(found.map(({ code }) => code))].sort()).toEqual(['ATTN0203', 'ATTN0209'])
  })

  test('has results over the axes that are expected', () => {
    const axes = result.ok
      ? result.value.attentions.map(({ results }) => results.map((r) => r.axes.join('')).join(' '))
      : []
    expect(axes).toEqual(['bhie', 'bhie bhi', 'bhie', 'bhie', 'bhie', 'bhie', 'bhie'])
  })
})

const variants = ['./check/variants.attn', ...globSync('../examples/*.attn', { cwd: import.meta.dirname })]

test.each(variants)('%s checks, without a warning, and makes sound trees', (path) => {
  const { result, found } = check(readFileSync(new URL(path, import.meta.url), 'utf8'))
  expect(found).toEqual([])
  expect(result.ok && verifyModule(result.value)).toEqual([])
  expect(result.ok && result.value.attentions.length).toBeGreaterThan(0)
})

describe('the standard library', () => {
  const calls: Readonly<Record<string, string>> = {
    dot: 'dot(q, k)',
    softcap: 'softcap(s, 30)',
    clipped: 'clipped[j](s, -0.1, 1.1)',
    z_score: 'z_score[j](s, 1e-3)',
    entmax: 'entmax[j](s, 1.5)',
    sinkhorn: 'sinkhorn[i, j](s, 3)',
    power_normalize: 'power_normalize[j](s, 4)',
    rope: 'rope(q, i)',
    rope_interleaved: 'rope_interleaved(q, i)',
    rope_with_base: 'rope_with_base(q, i, 500000.0)',
    t5_bucket: 't5_bucket(j - i, 32, 128)',
    t5_bucket_causal: 't5_bucket_causal(j - i, 32, 128)',
    t5_bucket_of_one_side: 't5_bucket_of_one_side(max(j - i, 0), 32, 128)',
  }
  const text = readFileSync(new URL('../compiler/std.attn', import.meta.url), 'utf8')
  const fns = [...text.matchAll(/^fn (\w+)(\[x\])?/gm)].map(([, name = '', axis]) => [
    name,
    axis ? `${name}[j](s)` : `${name}(s)`,
  ])

  test.each(fns)('%s can be called, without a warning', (name, plain) => {
    const clauses = `let s = dot(q, k)\nmask = j <= i + size(j) - size(i)\noutput x = ${calls[name] ?? plain}\noutput y = s`
    expect(framed(clauses).results[1]?.name).toBe('x')
    expect(codes(frame(clauses))).toEqual([])
  })

  test('each function has a source or says what it is', () => {
    const undocumented = [...text.matchAll(/^(.*)\nfn (\w+)/gm)].filter(([, before = '']) => !before.startsWith('//'))
    expect(undocumented.map(([, , name]) => name)).toEqual([])
  })
})

test('a whole attention prints with what is shared named', () => {
  const source = `attention tiny {
  axis g divides h
  input q[b, h, i, d], k[b, g, j, d]: f16, v[b, g, j, e], r[h]: f32 in [0, 1]
  param n: i32 = 4 in [1, 9]
  score = dot(q, k) * r
  mask = j <= i + n
  normalize = softmax[j](score)
  output lse as [h, b, i] = logsumexp[j](score)
  tile { i = 16 }
  precision fast
}
check { b = 1, d = 8 }`
  const { result } = check(source)
  expect(result.ok && printModule(result.value)).toBe(`attention tiny {
  axis b
  axis h
  axis i
  axis j
  axis d at compile time
  axis e at compile time
  axis g divides h
  input q[b, h, i, d]: f32 by dtype
  input k[b, g, j, d]: f16
  input v[b, g, j, e]: f32 by dtype
  input r[h]: f32 in [0.0, 1.0]
  param n: i32 = 4 in [1, 9]
  mask: bool[i, j] = j <= i + n
  score: f32[b, h, i, j] = sum[d](q * k[g = h div (size(h) div size(g))]) * r
  t1: f32[b, h, i, j] = exp(score - max[j where mask](score))
  weight: f32[b, h, i, j] = if mask then t1 / sum[j where mask](t1) else 0.0
  output out: f32[b, h, i, e] = sum[j where mask](weight * v[g = h div (size(h) div size(g))])
  output lse: f32[h, b, i] = logsumexp[j where mask](score)
  tile { i = 16 }
  precision fast
  check { b = 1, d = 8 }
}
`)
})
