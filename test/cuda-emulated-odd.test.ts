/** CUDA by emulation, with every second example. */
import { testExamples } from './cuda-examples.ts'
import { withCompiler } from './native-build.ts'

testExamples('cuda-emulated', 1, withCompiler('examples on CUDA by emulation'))
