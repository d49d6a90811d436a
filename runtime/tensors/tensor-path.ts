/** Where a tensor is: a file, and for archives its name in it. `C:\x.npy` has no name, for only these formats have any. */

export interface TensorPath {
  readonly path: string
  readonly name?: string // of a tensor in an archive
}

/** `q.npy`, `x.npz`, `x.npz:q`, `model.safetensors:layers.0.q`. */
export function parseTensorPath(text: string): TensorPath {
  const [, path, name] = /^(.+?\.(?:npz|safetensors)):(.+)$/is.exec(text) ?? []
  return path === undefined || name === undefined ? { path: text } : { path, name }
}

export const isArchivePath = (path: string): boolean => /\.(?:npz|safetensors)$/i.test(path)

export const isSafetensorsPath = (path: string): boolean => /\.safetensors$/i.test(path)
