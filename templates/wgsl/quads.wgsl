// Folds over the four invocations of a quad: all of them get the same result.

fn quadSum(x: f32) -> f32 {
  let pair = x + quadSwapX(x);
  return pair + quadSwapY(pair);
}

fn quadCount(x: i32) -> i32 {
  let pair = x + quadSwapX(x);
  return pair + quadSwapY(pair);
}

fn quadLargest(x: f32) -> f32 {
  let pair = largest(x, quadSwapX(x));
  return largest(pair, quadSwapY(pair));
}

fn quadSmallest(x: f32) -> f32 {
  let pair = smallest(x, quadSwapX(x));
  return smallest(pair, quadSwapY(pair));
}

fn quadMost(x: i32) -> i32 {
  let pair = max(x, quadSwapX(x));
  return max(pair, quadSwapY(pair));
}

fn quadLeast(x: i32) -> i32 {
  let pair = min(x, quadSwapX(x));
  return min(pair, quadSwapY(pair));
}

fn quadAny(x: bool) -> bool {
  return quadMost(select(0, 1, x)) == 1;
}

fn quadAll(x: bool) -> bool {
  return quadLeast(select(0, 1, x)) == 1;
}
