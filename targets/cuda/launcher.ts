import { built } from '../../generated/built.ts'
import { sources } from '../../generated/sources.ts'

/** The source of the addon that launches kernels on a GPU from Node, by the names of its files; the first is the main one. */
export const launcherFiles: Readonly<Record<string, string>> = {
  'loader.cc': built['templates/native/loader.cc'],
  'backend.h': built['templates/cuda/launcher/backend.h'],
  'device.h': built['templates/cuda/launcher/device.h'],
  'driver.h': built['templates/cuda/launcher/driver.h'],
  'attnc.h': sources['templates/native/attnc.h'],
}

/** What takes the place of CUDA's runtime in a library of kernels that the addon loads; the first is to be compiled with it. */
export const runtimeFiles: Readonly<Record<string, string>> = {
  'runtime.cc': built['templates/cuda/launcher/runtime.cc'],
  'driver.h': built['templates/cuda/launcher/driver.h'],
}
