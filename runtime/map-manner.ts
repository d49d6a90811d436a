/** How tensors of tokens are made up for an attention map. `equal`: all products are 0, so that biases and masks show. */
export const manners = ['smooth', 'random', 'equal'] as const
export type MapManner = (typeof manners)[number]

export const mannerText: Readonly<Record<MapManner, string>> = {
  smooth: 'random, neighbouring tokens alike',
  random: 'random',
  equal: 'so that all products of queries and keys are 0',
}
