import { helperNames } from './helpers.ts'

const words = `
  NULL Self abstract active alias alignas alignof as asm asm_fragment async atomic attribute auto await become bitcast break case cast
  catch class co_await co_return co_yield coherent column_major common compile compile_fragment concept const const_assert
  const_cast consteval constexpr constinit continue continuing crate debugger decltype default delete demote demote_to_helper
  diagnostic discard do dynamic_cast else enable enum explicit export extends extern external fallthrough false filter final
  finally fn for friend from fxgroup get goto groupshared highp if impl implements import inline instanceof interface layout let
  loop lowp macro macro_rules match mediump meta mod module move mut mutable namespace new nil noexcept noinline nointerpolation
  non_coherent noncoherent noperspective null nullptr of operator override package packoffset partial pass patch pixelfragment
  precise precision premerge priv private protected pub public readonly ref regardless register reinterpret_cast require requires
  resource restrict return self set shared sizeof smooth snorm static static_assert static_cast std struct subroutine super switch
  target template this thread_local throw trait true try type typedef typeid typename typeof union unless unorm unsafe unsized use
  using var varying virtual volatile wgsl where while with writeonly yield
  array bool f16 f32 i32 u32 mat2x2 mat3x3 mat4x4 ptr sampler texture vec2 vec3 vec4 storage uniform workgroup function read write
  read_write abs acos all any arrayLength asin atan atan2 ceil clamp cos cross determinant distance dot exp exp2 floor fma fract
  length log log2 max min modf normalize pow reflect refract round select sign sin sinh sqrt step tan tanh transpose trunc
  Given given local block group groups groupId localIndex told packed
  subgroupIndex lane leader quad shader requiredFeatures requiredLimits createOp measure measureBinding bind check
  quadBroadcast quadSwapX quadSwapY
`
const known = new Set([...words.split(/\s+/).filter((word) => word !== ''), ...helperNames])

/** What nothing made from a source's name may be called in generated WGSL: keywords, what is predeclared, names of helpers. */
export const reserved = {
  has: (name: string): boolean => known.has(name) || /^_/.test(name) || name.includes('__'),
}
