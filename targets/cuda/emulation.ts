import { running } from '../../generated/running.ts'

/** The headers by which generated CUDA is C++ for the host, by the names of their files. */
export const emulationFiles: Readonly<Record<string, string>> = {
  'cuda_runtime.h': running['templates/cuda/emulation/cuda_runtime.h'],
  'instructions.h': running['templates/cuda/emulation/instructions.h'],
  'block.h': running['templates/cuda/emulation/block.h'],
  'fiber.h': running['templates/cuda/emulation/fiber.h'],
}
