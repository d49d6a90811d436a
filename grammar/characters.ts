/** Names of characters that get into sources by way of word processors, papers and other languages. */
const known: Readonly<Record<string, readonly [name: string, hint: string, fix?: string]>> = {
  '\u00a0': ['a no-break space', 'replace it by a space', ' '],
  '\u200b': ['a zero width space', 'delete it', ''],
  '\ufeff': ['a byte order mark', 'delete it; it may stand only at the start of the file', ''],
  '×': ['a multiplication sign', "write '*'", '*'],
  '·': ['a middle dot', "write '*'", '*'],
  '⋅': ['a dot operator', "write '*'", '*'],
  '÷': ['a division sign', "write '/'", '/'],
  '−': ['a minus sign', "write '-'", '-'],
  '–': ['an en dash', "write '-'", '-'],
  '—': ['an em dash', "write '-'", '-'],
  '≤': ['a less-than or equal to sign', "write '<='", '<='],
  '≥': ['a greater-than or equal to sign', "write '>='", '>='],
  '≠': ['a not equal to sign', "write '!='", '!='],
  '√': ['a square root sign', "write 'sqrt(x)'"],
  '∞': ['an infinity sign', "write '1 / 0'"],
  '²': ['a superscript two', "write '^ 2'", ' ^ 2'],
  '∧': ['a logical and', "write 'and'", 'and'],
  '∨': ['a logical or', "write 'or'", 'or'],
  '¬': ['a not sign', "write 'not'"],
  '“': ['a left double quotation mark', "write '\"'", '"'],
  '”': ['a right double quotation mark', "write '\"'", '"'],
  '‘': ['a left single quotation mark', "write '\"'"],
  '’': ['a right single quotation mark', "write '\"'"],
}

/** Operators of other languages that mean the same as one of ours, with the same operands. */
const sameOperators: Readonly<Record<string, string>> = {
  '&&': 'and',
  '||': 'or',
  '**': '^',
  '===': '==',
  '!==': '!=',
  '=<': '<=',
  '<>': '!=',
  '#': '//',
}

/** Operators of other languages, and what to write instead. */
const foreignOperators: Readonly<Record<string, string>> = {
  '&&': "write 'and'",
  '&': "write 'and'",
  '||': "write 'or'",
  '|': "write 'or'",
  '!': "write 'not', or '!=' to compare",
  '~': "write 'not'",
  '#': "write '//' for a comment",
  '?': "write 'if c then a else b'",
  '@': 'write a reduction: sum[d](q * k), or dot(q, k)',
  '**': "write '^' for a power",
  ':=': "write '='",
  '+=': 'a name is defined once; give the sum another name',
  '-=': 'a name is defined once; give the difference another name',
  '*=': 'a name is defined once; give the product another name',
  '===': "write '=='",
  '!==': "write '!='",
  '=>': "write '>=' to compare, 'fn f(x) = e' for a function",
  '=<': "write '<='",
  '<>': "write '!='",
  '->': "write 'fn f(x) = e' for a function",
}

/** What is said of an operator of another language; undefined: it is none. */
export function describeOperator(text: string): { readonly hint: string; readonly same?: string } | undefined {
  const hint = foreignOperators[text]
  const same = sameOperators[text]
  return hint === undefined ? undefined : { hint, ...(same === undefined ? {} : { same }) }
}

/** A character, what to do about it, and what to write instead where that is sure. */
export interface Described {
  readonly what: string
  readonly hint?: string
  readonly fix?: string
}

/** `a minus sign (U+2212)`, or the character or its number where no name is known. */
export function describeCharacter(text: string): Described {
  const code = text.codePointAt(0) ?? 0
  const first = String.fromCodePoint(code)
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const entry = known[first]
  const [name, hint, fix] = entry ?? []
  if (name !== undefined && hint !== undefined)
    return { what: `${name} (${number})`, hint, ...(fix === undefined || text !== first ? {} : { fix }) }
  if (/\p{L}/u.test(first))
    return { what: `the letter '${first}' (${number})`, hint: 'names are of A-Z, a-z, 0-9 and _' }
  if (/\p{Zs}/u.test(first))
    return { what: `the character ${number}`, hint: 'replace it by a space', ...(text === first ? { fix: ' ' } : {}) }
  if (/[\p{C}\p{Z}]/u.test(first)) return { what: `the character ${number}`, hint: 'delete it' }
  return { what: code < 0x7f ? `'${first}'` : `'${first}' (${number})` }
}
