/**
 * One program for each diagnostic of the checker, with the place that it is expected at between ‹ and ›, and the same program as
 * it should be. A program without `attention` or `fn` is clauses of an attention with the usual inputs, score and normalize.
 */
export interface Case {
  readonly code: string
  readonly says: string
  readonly wrong: string
  readonly right: string
  readonly files?: Readonly<Record<string, string>>
}

const wide = Array.from({ length: 14 }, (_, k) => `fn f${k + 1}(x) = f${k}(x) + f${k}(x + 1)`).join('\n')
const deep = Array.from({ length: 1200 }, (_, k) => `let l${k + 1} = l${k} + 1`).join('\n')

export const cases: readonly Case[] = [
  {
    code: 'ATTN0100',
    says: "A name is neither a value in scope nor an axis. A fn of the file sees its parameters and the conventional axes only, one inside an attention also that attention's names.",
    wrong: 'let scale = 2.0\nscore = ‹scael› * dot(q, k)',
    right: 'let scale = 2.0\nscore = scale * dot(q, k)',
  },
  {
    code: 'ATTN0101',
    says: 'Something is called that is neither a fn of this file, an import or the library, nor built in.',
    wrong: 'normalize = ‹softmx›[j](score)',
    right: 'normalize = softmax[j](score)',
  },
  {
    code: 'ATTN0102',
    says: 'A name in brackets, after size( or in a declaration is no axis. Besides b, h, i, j, d, e axes are declared.',
    wrong: 'input rel[h, ‹r›]: f32\nscore = dot(q, k) + rel[‹r› = 0]',
    right: 'axis r = 32\ninput rel[h, r]: f32\nscore = dot(q, k) + rel[r = 0]',
  },
  {
    code: 'ATTN0103',
    says: 'A name is defined twice in one attention or one block.',
    wrong: 'let s = 2.0\nlet ‹s› = 3.0\nscore = s * dot(q, k)',
    right: 'let s = 2.0\nlet t = 3.0\nscore = s * t * dot(q, k)',
  },
  {
    code: 'ATTN0104',
    says: 'i and j are the places of queries and keys everywhere in an attention; no value may have their names.',
    wrong: 'let ‹j› = 2.0\nscore = j * dot(q, k)',
    right: 'let factor = 2.0\nscore = factor * dot(q, k)',
  },
  {
    code: 'ATTN0105',
    says: 'score, mask, normalize, weight and out have a meaning of their own and are not declared as inputs, params or lets.',
    wrong: 'let ‹mask› = j <= i',
    right: 'mask = j <= i',
  },
  {
    code: 'ATTN0106',
    says: 'Clauses may stand in any order, but what they define must not depend on itself.',
    wrong: 'let a1 = a2 + 1\nlet a2 = ‹a1› * 2\nscore = dot(q, k) + a1',
    right: 'let a1 = a2 + 1\nlet a2 = 2\nscore = dot(q, k) + a1',
  },
  {
    code: 'ATTN0107',
    says: 'Functions are expanded where they are called, so none may call itself, directly or through others.',
    wrong: 'fn twice(x) = ‹twice›(x) + x\nscore = twice(dot(q, k))',
    right: 'fn twice(x) = x + x\nscore = twice(dot(q, k))',
  },
  {
    code: 'ATTN0108',
    says: 'Two functions of one file or one attention have the same name.',
    wrong: 'fn f(x) = x + 1\nfn ‹f›(x) = x + 2\nscore = f(dot(q, k))',
    right: 'fn f(x) = x + 1\nfn g2(x) = x + 2\nscore = g2(f(dot(q, k)))',
  },
  {
    code: 'ATTN0109',
    says: 'Two attentions of one file have the same name.',
    wrong: 'attention a { input x[i] output x }\nattention ‹a› { input x[j] output x }',
    right: 'attention a { input x[i] output x }\nattention a2 { input x[j] output x }',
  },
  {
    code: 'ATTN0110',
    says: 'size(j) gives the length of an axis; no fn can have its name.',
    wrong: 'fn ‹size›(x) = x',
    right: 'fn sizes(x) = x',
  },
  {
    code: 'ATTN0111',
    says: 'A function is used as if it were a value.',
    wrong: 'normalize = ‹softmax›',
    right: 'normalize = softmax[j](score)',
  },
  {
    code: 'ATTN0112',
    says: 'A value is called as if it were a function.',
    wrong: 'let s = 2.0\nscore = ‹s›(dot(q, k))',
    right: 'let s = 2.0\nscore = s * dot(q, k)',
  },
  {
    code: 'ATTN0113',
    says: 'A function is called with the wrong number of arguments.',
    wrong: 'score = ‹dot(q)›',
    right: 'score = dot(q, k)',
  },
  {
    code: 'ATTN0114',
    says: 'A function is called with the wrong number of axes in brackets.',
    wrong: 'normalize = ‹softmax[i, j](score)›',
    right: 'normalize = softmax[j](score)',
  },
  {
    code: 'ATTN0115',
    says: 'A reduction names the axes it goes over.',
    wrong: 'output ‹sum(weight * v)›',
    right: 'output sum[j](weight * v)',
  },
  {
    code: 'ATTN0116',
    says: 'size takes the name of an axis, nothing else.',
    wrong: 'score = dot(q, k) / sqrt(size(‹q›))',
    right: 'score = dot(q, k) / sqrt(size(d))',
  },
  {
    code: 'ATTN0117',
    says: 'An axis stands twice in the brackets of one reduction, call, input or substitution.',
    wrong: 'output sum[j, ‹j›](weight * v)',
    right: 'output sum[j](weight * v)',
  },
  {
    code: 'ATTN0120',
    says: 'A bool is no number: it is not added, multiplied or compared by size.',
    wrong: 'input hub[b, j]: bool\nscore = dot(q, k) + ‹hub›',
    right: 'input hub[b, j]: bool\nscore = dot(q, k) + (if hub then 1 else 0)',
  },
  {
    code: 'ATTN0121',
    says: 'A number stands where a bool is needed: in and, or, not, if, where, any, all, count.',
    wrong: 'mask = j <= i and ‹size(j)›',
    right: 'mask = j <= i and size(j) > 0',
  },
  {
    code: 'ATTN0122',
    says: 'Bools are joined with and, or, not; they are not compared.',
    wrong: 'input hub[b, j]: bool\nmask = ‹hub == true›',
    right: 'input hub[b, j]: bool\nmask = hub',
  },
  {
    code: 'ATTN0123',
    says: "Both branches of an 'if' are numbers, or both are bools.",
    wrong: 'mask = ‹if i > 3 then 1 else j <= i›',
    right: 'mask = if i > 3 then true else j <= i',
  },
  {
    code: 'ATTN0124',
    says: 'sum, max, min, mean, var, logsumexp and the running folds go over numbers.',
    wrong: 'score = dot(q, k) / sum[j where true](‹j <= i›)',
    right: 'score = dot(q, k) / count[j where true](j <= i)',
  },
  {
    code: 'ATTN0125',
    says: 'An index is an integer. In the index itself a quotient of integers is rounded down; a quotient that a let has named is a float.',
    wrong: 'axis r = 8\ninput rel[h, r]: f32\nlet bucket = i / 4\nscore = dot(q, k) + rel[r = ‹bucket›]',
    right: 'axis r = 8\ninput rel[h, r]: f32\nlet bucket = i div 4\nscore = dot(q, k) + rel[r = min(bucket, 7)]',
  },
  {
    code: 'ATTN0126',
    says: "The count of 'repeat', lengths of axes, and seed and counters of 'random' are integers.",
    wrong: 'fn f(x) = { let u = x; repeat ‹2.0› { u = u * u } u }\nscore = f(dot(q, k))',
    right: 'fn f(x) = { let u = x; repeat 2 { u = u * u } u }\nscore = f(dot(q, k))',
  },
  {
    code: 'ATTN0127',
    says: "The count of 'repeat' is one value for all places.",
    wrong: 'fn f(x) = { let u = x; repeat ‹i› { u = u * u } u }\nscore = f(dot(q, k))',
    right: 'fn f(x) = { let u = x; repeat 3 { u = u * u } u }\nscore = f(dot(q, k))',
  },
  {
    code: 'ATTN0128',
    says: 'The default of a param or const has to be of its declared type; an integer also serves for a float.',
    wrong: 'param window: i32 = ‹2.5›\nmask = abs(i - j) <= window',
    right: 'param window: i32 = 2\nmask = abs(i - j) <= window',
  },
  {
    code: 'ATTN0129',
    says: 'A type is f32, f16, bf16, i32 or bool.',
    wrong: 'input bias[h]: ‹float32›\nscore = dot(q, k) + bias',
    right: 'input bias[h]: f32\nscore = dot(q, k) + bias',
  },
  {
    code: 'ATTN0130',
    says: 'f16 and bf16 say how a tensor is stored; a param is one number and is f32, i32 or bool.',
    wrong: 'param scale: ‹f16› = 1\nscore = scale * dot(q, k)',
    right: 'param scale: f32 = 1\nscore = scale * dot(q, k)',
  },
  {
    code: 'ATTN0131',
    says: "'/' of integers is a float. A mask that rests on one would depend on rounding, so 'div' is asked for there, also in the lets that the mask uses.",
    wrong: 'let block = ‹j / 64›\nmask = block <= i',
    right: 'let block = j div 64\nmask = block <= i',
  },
  {
    code: 'ATTN0132',
    says: "'/' of integers is a float; equal quotients are compared with 'div' or '%'.",
    wrong: 'score = if ‹i / 4› == 2 then dot(q, k) else 0',
    right: 'score = if i div 4 == 2 then dot(q, k) else 0',
  },
  {
    code: 'ATTN0133',
    says: "A value that 'repeat' rebinds stays a number, or stays a bool.",
    wrong: 'fn f(x) = { let u = x; repeat 3 { u = ‹x > 0› } x }\nscore = f(dot(q, k))',
    right: 'fn f(x) = { let u = x; repeat 3 { u = u * 2 } u }\nscore = f(dot(q, k))',
  },
  {
    code: 'ATTN0134',
    says: 'The mask is a bool: which pairs are admitted. What is added to a score stands in the score.',
    wrong: 'mask = ‹i - j›',
    right: 'mask = i - j >= 0',
  },
  {
    code: 'ATTN0135',
    says: 'score, mask and normalize have one value per query and key; d and e have to be reduced first.',
    wrong: 'score = ‹q * k›',
    right: 'score = dot(q, k)',
  },
  {
    code: 'ATTN0136',
    says: 'The mask depends on a reduction over the pairs that the mask admits. Say with where what it goes over.',
    wrong: 'let top = ‹max[j](score)›\nmask = score > top - 2',
    right: 'let top = max[j where true](score)\nmask = score > top - 2',
  },
  {
    code: 'ATTN0137',
    says: 'weight needs normalize, and what names score needs score.',
    wrong: 'attention a {\n  input q[b, i, d], v[b, j, e]\n  output sum[j](‹weight› * v)\n}',
    right:
      'attention a {\n  input q[b, i, d], k[b, j, d], v[b, j, e]\n  normalize = softmax[j](dot(q, k))\n  output sum[j](weight * v)\n}',
  },
  {
    code: 'ATTN0138',
    says: 'An attention has a result: sum[j](weight * v) where there are normalize and v, or an output.',
    wrong: 'attention ‹a› {\n  input q[b, i, d], k[b, j, d]\n  normalize = softmax[j](dot(q, k))\n}',
    right: 'attention a {\n  input q[b, i, d], k[b, j, d], v[b, j, e]\n  normalize = softmax[j](dot(q, k))\n}',
  },
  {
    code: 'ATTN0139',
    says: 'A clause of which there can be one stands twice.',
    wrong: 'mask = j <= i\n‹mask› = j >= i - 8',
    right: 'mask = j <= i and j >= i - 8',
  },
  {
    code: 'ATTN0140',
    says: 'Results, inputs and params are passed by name, so no two of them share one.',
    wrong: 'output ‹q› = logsumexp[j](score)',
    right: 'output lse = logsumexp[j](score)',
  },
  {
    code: 'ATTN0141',
    says: "The axes after 'as' have to name every axis of the result.",
    wrong: 'output lse as [‹h›, i] = logsumexp[j](score)',
    right: 'output lse as [h, i, b] = logsumexp[j](score)',
  },
  {
    code: 'ATTN0142',
    says: 'A view is an input read elsewhere; no numbers are computed.',
    wrong: 'view kj = ‹k * 2›\nscore = dot(q, kj)',
    right: 'view kj = k[j = size(j) - 1 - j]\nscore = dot(q, kj)',
  },
  {
    code: 'ATTN0143',
    says: 'Only an axis that an expression varies over can be read elsewhere.',
    wrong: 'input slope[h]: f32\nscore = dot(q, k) * slope[‹b› = 0]',
    right: 'input slope[h]: f32\nscore = dot(q, k) * slope[h = 0]',
  },
  {
    code: 'ATTN0144',
    says: "In a 'repeat', 'name = value' rebinds a let of the block around it.",
    wrong: 'fn f(x) = { let u = x; repeat 3 { ‹w› = u * 2 } u }\nscore = f(dot(q, k))',
    right: 'fn f(x) = { let u = x; repeat 3 { u = u * 2 } u }\nscore = f(dot(q, k))',
  },
  {
    code: 'ATTN0145',
    says: 'Defaults, ranges and lengths are known before anything is computed: they use sizes, params and constants.',
    wrong: 'param scale = ‹sum[b, h, j, e](v)›\nscore = scale * dot(q, k)',
    right: 'param scale = 1 / sqrt(size(d))\nscore = scale * dot(q, k)',
  },
  {
    code: 'ATTN0146',
    says: 'A const is fixed when a kernel is made, so it has a value in the source.',
    wrong: 'const ‹window›: i32\nmask = abs(i - j) <= window',
    right: 'const window: i32 = 64\nmask = abs(i - j) <= window',
  },
  {
    code: 'ATTN0147',
    says: 'Only numbers have ranges.',
    wrong: 'input hub[b, j]: bool in ‹[0, 1]›\nmask = hub',
    right: 'input hub[b, j]: bool\nmask = hub',
  },
  {
    code: 'ATTN0148',
    says: 'A range has its smaller bound first.',
    wrong: 'input decay[h]: f32 in ‹[1, 0.5]›\nscore = dot(q, k) * decay',
    right: 'input decay[h]: f32 in [0.5, 1]\nscore = dot(q, k) * decay',
  },
  {
    code: 'ATTN0149',
    says: 'The bounds of an integer are integers.',
    wrong: 'param window: i32 = 4 in [0, ‹9.5›]\nmask = abs(i - j) <= window',
    right: 'param window: i32 = 4 in [0, 9]\nmask = abs(i - j) <= window',
  },
  {
    code: 'ATTN0150',
    says: 'An axis is declared once.',
    wrong: 'axis r = 8, ‹r› = 9\ninput rel[h, r]: f32\nscore = dot(q, k) + rel[r = 0]',
    right: 'axis r = 8\ninput rel[h, r]: f32\nscore = dot(q, k) + rel[r = 0]',
  },
  {
    code: 'ATTN0151',
    says: 'The length of an axis comes from an input that has it or from a declaration.',
    wrong: 'attention a {\n  input k[j, d], v[j, e]\n  normalize = ‹softmax[j](sum[d](k))›\n}',
    right: 'attention a {\n  axis i like j\n  input k[j, d], v[j, e]\n  normalize = softmax[j](sum[d](k))\n}',
  },
  {
    code: 'ATTN0152',
    says: 'Axes are declared by each other in a circle.',
    wrong: 'axis ‹m› like n, n like m\ninput x[m]: f32, y[n]: f32\nscore = dot(q, k) + x[m = 0] + y[n = 0]',
    right: 'axis m, n like m\ninput x[m]: f32, y[n]: f32\nscore = dot(q, k) + x[m = 0] + y[n = 0]',
  },
  {
    code: 'ATTN0153',
    says: 'The length of an axis, or of a part, is computed from something over that axis.',
    wrong: 'split j into (c, t) by ‹sum[b, j](j * bias)›\ninput bias[b, c]: i32\nscore = dot(q, k) + bias',
    right: 'split j into (c, t) by n\ninput bias[b, c]: i32\nparam n = 64\nscore = dot(q, k) + bias',
  },
  {
    code: 'ATTN0153',
    says: 'The length of an axis is computed from itself.',
    wrong: 'axis ‹r› = size(r) + 1\ninput x[b, r]\nscore = dot(q, k) + x[r = 0]',
    right: 'axis r = size(j) + 1\ninput x[b, r]\nscore = dot(q, k) + x[r = 0]',
  },
  {
    code: 'ATTN0153',
    says: 'The lengths of axes are computed from each other.',
    wrong:
      'axis ‹r› = n, s like r\nsplit s into (c, t) by 4\nparam n = size(c)\ninput x[r, c]\nscore = dot(q, k) + x[r = 0, c = 0]',
    right:
      'axis r = n, s like j\nsplit s into (c, t) by 4\nparam n = size(c)\ninput x[r, c]\nscore = dot(q, k) + x[r = 0, c = 0]',
  },
  {
    code: 'ATTN0154',
    says: 'd and e are 1 to 512 wide.',
    wrong: 'check { b = 1, h = 1, i = 4, j = 4, d = ‹1024› }',
    right: 'check { b = 1, h = 1, i = 4, j = 4, d = 128 }',
  },
  {
    code: 'ATTN0155',
    says: 'In a check line the length of a group axis has to divide that of its heads.',
    wrong: 'axis g divides h\ninput k2[b, g, j, d]\nscore = dot(q, k + k2)\ncheck { h = 4, ‹g = 3› }',
    right: 'axis g divides h\ninput k2[b, g, j, d]\nscore = dot(q, k + k2)\ncheck { h = 4, g = 2 }',
  },
  {
    code: 'ATTN0156',
    says: 'An axis is set twice in one check or tile.',
    wrong: 'check { i = 4, ‹i› = 8 }',
    right: 'check { i = 4, j = 8 }',
  },
  {
    code: 'ATTN0157',
    says: 'A tile has 1 to 4096 places along an axis.',
    wrong: 'tile { i = ‹0› }',
    right: 'tile { i = 64 }',
  },
  {
    code: 'ATTN0158',
    says: "The precision is 'accurate' or 'fast'.",
    wrong: 'precision ‹exact›',
    right: 'precision accurate',
  },
  {
    code: 'ATTN0159',
    says: 'The default of a param, or the value of a const, lies outside of its declared range.',
    wrong: 'param window: i32 = ‹4› in [8, 64]\nmask = abs(i - j) <= window',
    right: 'param window: i32 = 16 in [8, 64]\nmask = abs(i - j) <= window',
  },
  {
    code: 'ATTN0160',
    says: 'A source defines an attention or a function.',
    wrong: '‹›// attention a { }',
    right: 'attention a { input x[i] output x }',
  },
  {
    code: 'ATTN0161',
    says: 'An imported file is not there, cannot be read, or lies outside the project.',
    wrong: 'import ‹"gone.attn"›\nfn f(x) = x',
    right: 'import "b.attn"\nfn f(x) = x',
    files: { 'b.attn': 'fn g(x) = x' },
  },
  {
    code: 'ATTN0162',
    says: 'Files import each other in a circle.',
    wrong: 'import ‹"main.attn"›\nfn f(x) = x',
    right: 'import "b.attn"\nfn f(x) = x',
    files: { 'b.attn': 'fn g(x) = x' },
  },
  {
    code: 'ATTN0163',
    says: 'More than 256 files are imported.',
    wrong: `${Array.from({ length: 256 }, (_, k) => `import "f${k}.attn"`).join('\n')}\nimport ‹"f256.attn"›\nfn f(x) = x`,
    right: 'import "f0.attn"\nfn f(x) = x',
    files: Object.fromEntries(Array.from({ length: 257 }, (_, k) => [`f${k}.attn`, `fn g${k}(x) = x`])),
  },
  {
    code: 'ATTN0164',
    says: 'Two imported files define a function of the same name.',
    wrong: 'import "b.attn"\nimport ‹"c.attn"›\nfn f(x) = g(x)',
    right: 'import "b.attn"\nfn f(x) = g(x)',
    files: { 'b.attn': 'fn g(x) = x', 'c.attn': 'fn g(x) = x + 1' },
  },
  {
    code: 'ATTN0165',
    says: 'An attention has at most 10,000 parts, with its functions expanded: each call is a fresh copy.',
    wrong: `fn f0(x) = x\n${wide}\nattention a { input x[i] output ‹f14(x)› }`,
    right: 'fn f0(x) = x\nattention a { input x[i] output f0(x) }',
  },
  {
    code: 'ATTN0166',
    says: 'At most 1,000 operations follow on each other; a longer chain is a reduction or a repeat.',
    wrong: `let l0 = 1\n${deep.replace('l999 + 1', '‹l999 + 1›')}\nscore = dot(q, k) + l1200`,
    right: 'score = dot(q, k) + 1200',
  },
  {
    code: 'ATTN0167',
    says: 'A length is not negative, and a part of an axis has at least one place.',
    wrong: 'axis ‹r› = 4 - 8\ninput rel[r]: f32\nscore = dot(q, k) + sum[r](rel)',
    right: 'axis r = 8 - 4\ninput rel[r]: f32\nscore = dot(q, k) + sum[r](rel)',
  },
  {
    code: 'ATTN0201',
    says: "A reduction over a whole token axis also sees the keys or queries that the mask excludes. Both readings are common, so 'where' says which is meant.",
    wrong: 'mask = j <= i\nlet centre = ‹mean[j](k)›\nscore = dot(q, k - centre)',
    right: 'mask = j <= i\nlet centre = mean[j where true](k)\nscore = dot(q, k - centre)',
  },
  {
    code: 'ATTN0202',
    says: 'A pair expression is read at another head where the mask may exclude the pair; outside the mask it is just its formula, not 0.',
    wrong:
      'axis a2 like h\ninput post[a2, h]: f32, len[h]: i32\nmask = j < len\nlet p = exp(score)\nnormalize = sum[a2](post * ‹p[h = a2]›)',
    right:
      'axis a2 like h\ninput post[a2, h]: f32, len[h]: i32\nmask = j < len\nlet p = exp(score)\nnormalize = sum[a2](post * (if mask then p else 0)[h = a2])',
  },
  {
    code: 'ATTN0203',
    says: 'A function has the name of one that was in scope already, and hides it.',
    wrong: 'fn ‹relu›(x) = max(x, 0.0)\nscore = relu(dot(q, k))',
    right: 'fn my_relu(x) = max(x, 0.0)\nscore = my_relu(dot(q, k))',
  },
  {
    code: 'ATTN0204',
    says: 'An input, param, let or clause is not used by anything.',
    wrong: 'input ‹bias›[h]: f32',
    right: 'input bias[h]: f32\nscore = dot(q, k) + bias',
  },
  {
    code: 'ATTN0205',
    says: 'It is not proved that an index lies on its axis; outside it is clamped to the nearest end.',
    wrong: 'let before = k[j = ‹j - 1›]\nscore = dot(q, k + before)',
    right: 'let before = k[j = j - 1 else 0]\nscore = dot(q, k + before)',
  },
  {
    code: 'ATTN0206',
    says: 'An i32 may leave its range for lengths below 2^30, and wraps then.',
    wrong: 'score = dot(q, k) + (‹i * size(j)› + j)',
    right: 'score = dot(q, k) + 1.0 * i * size(j) + j',
  },
  {
    code: 'ATTN0207',
    says: 'What is reduced does not vary over the axis, so each place adds the same.',
    wrong: 'score = dot(q, k) + sum[j](‹q[d = 0]›)',
    right: 'score = dot(q, k) + q[d = 0] * size(j)',
  },
  {
    code: 'ATTN0208',
    says: "The expression of 'solve' must not rise with its variable; it rises, or that it does not is not proved.",
    wrong: 'let t = solve(t in [0, 1]: ‹sum[j](min(t - score, 1))›)\nnormalize = max(score - t, 0)',
    right: 'let t = solve(t in [0, 1]: -sum[j](min(t - score, 1)))\nnormalize = max(score - t, 0)',
  },
  {
    code: 'ATTN0209',
    says: 'An input without a range may take log, sqrt, rsqrt or a power with a float exponent out of its domain; random inputs would give NaN.',
    wrong: 'input temperature[h]\nscore = dot(q, k) * ‹log(temperature)›',
    right: 'input temperature[h]: f32 in [0.1, 10]\nscore = dot(q, k) * log(temperature)',
  },
]
