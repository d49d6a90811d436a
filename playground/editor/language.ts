/** What colours sources, and code that was made of them: words, names of functions, numbers and comments. */
import {
  HighlightStyle,
  LanguageSupport,
  StreamLanguage,
  type StringStream,
  syntaxHighlighting,
} from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { tags } from '@lezer/highlight'
import { reserved } from '../../grammar/words.ts'

interface Words {
  readonly keywords: ReadonlySet<string>
  readonly special: ReadonlySet<string>
  readonly directive?: RegExp // a line of its own kind, as `#include`
}

interface InComment {
  isInComment: boolean
}

const commentRest = (stream: StringStream): string => {
  stream.skipToEnd()
  return 'comment'
}

/** Languages whose names, numbers and comments look like those of C. */
function language(name: string, { keywords, special, directive }: Words): StreamLanguage<InComment> {
  return StreamLanguage.define({
    name,
    startState: (): InComment => ({ isInComment: false }),
    languageData: { commentTokens: { line: '//' }, closeBrackets: { brackets: ['(', '[', '{'] } },
    token(stream, state) {
      if (state.isInComment || stream.match('/*')) {
        state.isInComment = !stream.match(/^.*?\*\//)
        return state.isInComment ? commentRest(stream) : 'comment'
      }
      if (stream.eatSpace()) return null
      if (stream.match('//')) return commentRest(stream)
      if (directive && stream.sol() && stream.match(directive)) return 'meta'
      if (stream.match(/^"[^"]*"?|^'[^']*'?|^`[^`]*`?/)) return 'string'
      if (stream.match(/^(?:0x[\da-f']+|\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[a-z]*/i)) return 'number'
      const word = stream.match(/^[\p{L}_$@][\p{L}\w$]*/u) as RegExpMatchArray | null
      if (!word) {
        stream.next()
        return null
      }
      if (keywords.has(word[0])) return 'keyword'
      if (special.has(word[0])) return 'typeName'
      return stream.match(/^\s*\(/, false) ? 'function' : null
    },
    tokenTable: { function: tags.function(tags.variableName) },
  })
}

const setOf = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const languages = {
  attn: language('attn', {
    keywords: new Set(reserved),
    special: setOf('score mask normalize weight out f32 f16 bf16 i32 bool'),
  }),
  wgsl: language('wgsl', {
    keywords: setOf(
      'fn let var const struct return if else for while loop break continue switch case default enable override alias @compute @workgroup_size @group @binding @builtin true false',
    ),
    special: setOf(
      'f32 f16 i32 u32 bool vec2 vec3 vec4 vec2f vec4f array atomic mat4x4 workgroup storage read read_write uniform ptr function private',
    ),
  }),
  ts: language('ts', {
    keywords: setOf(
      'import export from const let function return if else for while do break continue switch case default new interface type readonly extends class as satisfies of in typeof throw try catch finally async await true false null undefined',
    ),
    special: setOf(
      'number string boolean void Float32Array Float64Array Int32Array Uint8Array Uint16Array Uint32Array Float16Array Readonly Record Math',
    ),
  }),
  cpp: language('cpp', {
    keywords: setOf(
      'auto const constexpr static inline extern struct class template typename using namespace return if else for while do break continue switch case default new delete sizeof true false nullptr noexcept public private __global__ __device__ __shared__ __forceinline__ __restrict__ __launch_bounds__ __syncthreads',
    ),
    special: setOf(
      'void bool char int long short unsigned float double size_t uint32_t int32_t uint16_t int64_t uint64_t uint8_t half __half __nv_bfloat16 dim3',
    ),
    directive: /^\s*#.*/,
  }),
}

export type LanguageName = keyof typeof languages

/** By the end of a file's name. */
export function languageOf(path: string): LanguageName {
  const end = /\.(\w+)$/.exec(path)?.[1] ?? ''
  if (end === 'attn' || end === 'wgsl') return end
  return end === 'ts' || end === 'js' ? 'ts' : 'cpp'
}

const style = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--keyword)' },
  { tag: tags.typeName, color: 'var(--special)' },
  { tag: tags.function(tags.variableName), color: 'var(--function)' },
  { tag: tags.number, color: 'var(--number)' },
  { tag: tags.string, color: 'var(--string)' },
  { tag: tags.comment, color: 'var(--comment)' },
  { tag: tags.meta, color: 'var(--comment)' },
])

export const colored = (name: LanguageName): Extension => [
  new LanguageSupport(languages[name]),
  syntaxHighlighting(style),
]
