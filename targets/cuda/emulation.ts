import { built } from '../../generated/built.ts'

/** The headers by which generated CUDA is C++ for the host, by the names of their files. */
export const emulationFiles: Readonly<Record<string, string>> = {
  'cuda_runtime.h': built['templates/cuda/emulation/cuda_runtime.h'],
  'instructions.h': built['templates/cuda/emulation/instructions.h'],
  'block.h': built['templates/cuda/emulation/block.h'],
  'fiber.h': built['templates/cuda/emulation/fiber.h'],
}
