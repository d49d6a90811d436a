/** Random tests draw the same cases every time; SEED=n draws others, and a failure prints the seed it had. */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.SEED ?? 20_260) })
