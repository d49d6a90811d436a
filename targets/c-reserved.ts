import type { Reserved } from './names.ts'

const words = `
  alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await co_return
  co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast
  else enum explicit export extern false final float for friend goto if import inline int long module mutable namespace new
  noexcept not not_eq nullptr operator or or_eq override private protected public register reinterpret_cast requires restrict
  return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
  typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
  assert errno errno_t complex imaginary linux major minor makedev offsetof stderr stdin stdout unix i386 near far small main
  abs exit free malloc printf std call given fault n attnc_tensor attnc_threads attnc_fault
  int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t ptrdiff_t
`
const split = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '')

/**
 * What nothing made from a source's name may be called in generated C and C++: keywords, names of the target's own headers (`own`),
 * and what may be a macro (all capitals) or belongs to the compiler (leading or double underscores).
 */
export function reservedWith(own: string): Reserved {
  const known = new Set([...split(words), ...split(own)])
  return { has: (name) => known.has(name) || /^_|__|^[A-Z][A-Z0-9_]*$/.test(name) }
}
