/** Random tests draw the same cases every time; SEED=n draws others, and a failure prints the seed it had. */
import fc from 'fast-check'

// Tests that are not about it do without the native target, which would have all that they run compiled: test/native-build.ts.
process.env.ATTNC_TESTS_CXX ??= process.env.CXX ?? ''
process.env.CXX = 'no-compiler-in-these-tests'

// Nor do they launch WebGPU kernels: test/wgsl-build.ts.
process.env.ATTNC_TESTS_VK_DRIVER_FILES ??= process.env.VK_DRIVER_FILES ?? ''
process.env.VK_DRIVER_FILES = 'no-driver-in-these-tests'

fc.configureGlobal({ seed: Number(process.env.SEED ?? 20_260) })
