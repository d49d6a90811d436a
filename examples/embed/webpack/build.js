import attn from 'attnc/webpack'
import webpack from 'webpack'

const compiler = webpack({
  mode: 'development',
  devtool: false,
  entry: '../app/main.js',
  output: { path: `${import.meta.dirname}/dist`, filename: 'main.cjs' },
  plugins: [attn()],
})
compiler.run((error, stats) => {
  if (error) throw error
  if (stats.hasErrors()) {
    console.error(stats.toString({ all: false, errors: true }))
    process.exitCode = 1
  }
  compiler.close(() => {})
})
