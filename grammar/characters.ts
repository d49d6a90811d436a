/** Names of characters that get into sources by way of word processors, papers and other languages. */
const known: Readonly<Record<string, readonly [name: string, hint: string]>> = {
  '\u00a0': ['a no-break space', 'replace it by a space'],
  '\u200b': ['a zero width space', 'delete it'],
  '\ufeff': ['a byte order mark', 'delete it; it may stand only at the start of the file'],
  '×': ['a multiplication sign', "write '*'"],
  '·': ['a middle dot', "write '*'"],
  '⋅': ['a dot operator', "write '*'"],
  '÷': ['a division sign', "write '/'"],
  '−': ['a minus sign', "write '-'"],
  '–': ['an en dash', "write '-'"],
  '—': ['an em dash', "write '-'"],
  '≤': ['a less-than or equal to sign', "write '<='"],
  '≥': ['a greater-than or equal to sign', "write '>='"],
  '≠': ['a not equal to sign', "write '!='"],
  '√': ['a square root sign', "write 'sqrt(x)'"],
  '∞': ['an infinity sign', "write '1 / 0'"],
  '²': ['a superscript two', "write '^ 2'"],
  '∧': ['a logical and', "write 'and'"],
  '∨': ['a logical or', "write 'or'"],
  '¬': ['a not sign', "write 'not'"],
  '“': ['a left double quotation mark', "write '\"'"],
  '”': ['a right double quotation mark', "write '\"'"],
  '‘': ['a left single quotation mark', "write '\"'"],
  '’': ['a right single quotation mark', "write '\"'"],
}

/** Operators of other languages, and ours. */
export const foreignOperators: Readonly<Record<string, string>> = {
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

/** `a minus sign (U+2212)`, or the character or its number where no name is known. */
export function describeCharacter(text: string): { readonly what: string; readonly hint?: string } {
  const code = text.codePointAt(0) ?? 0
  const first = String.fromCodePoint(code)
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const entry = known[first]
  if (entry) return { what: `${entry[0]} (${number})`, hint: entry[1] }
  if (/\p{L}/u.test(first))
    return { what: `the letter '${first}' (${number})`, hint: 'names are of A-Z, a-z, 0-9 and _' }
  if (/[\p{C}\p{Z}]/u.test(first)) return { what: `the character ${number}`, hint: 'delete it' }
  return { what: code < 0x7f ? `'${first}'` : `'${first}' (${number})` }
}
