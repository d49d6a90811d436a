import { sources } from '../../generated/sources.ts'

/** The headers by which generated CUDA is C++ for the host, by the names of their files. */
export const emulationFiles: Readonly<Record<string, string>> = {
  'cuda_runtime.h': sources['templates/cuda/emulation/cuda_runtime.h'],
  'instructions.h': sources['templates/cuda/emulation/instructions.h'],
  'block.h': sources['templates/cuda/emulation/block.h'],
  'fiber.h': sources['templates/cuda/emulation/fiber.h'],
}
