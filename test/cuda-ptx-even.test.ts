/** What nvcc makes of CUDA, interpreted, with every second example. */
import { missingNvcc } from '../runtime/cuda/load-ptx.ts'
import { testExamples } from './cuda-examples.ts'

const missing = missingNvcc()
if (missing !== undefined) console.log(`skipped: examples as PTX, since ${missing}`)
testExamples('cuda-ptx', 0, missing)
