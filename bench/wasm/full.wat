;; Softmax attention, every query with every key: [heads, length, 64]. `own`: 24,960 bytes for tiles. A query's row and the
;; three results of its weights lie there as products.wat has them. The scale is log2(e) / 8.
(func (export "attention")
  (param $q i32) (param $k i32) (param $v i32) (param $out i32) (param $heads i32) (param $length i32) (param $own i32)
  (local $head i32) (local $bytes i32) (local $query i32) (local $rows i32) (local $key i32) (local $last i32) (local $count i32)
  (local $sums i32) (local $scores i32) (local $state i32)
  (local.set $sums (i32.add (local.get $own) (i32.const 8192)))
  (local.set $scores (i32.add (local.get $own) (i32.const 16384)))
  (local.set $state (i32.add (local.get $own) (i32.const 24576)))
  (local.set $bytes (i32.shl (local.get $length) (i32.const 8)))
  (loop $heads
    (local.set $query (i32.const 0))
    (loop $queries
      (local.set $rows (i32.sub (local.get $length) (local.get $query)))
      (if (i32.gt_s (local.get $rows) (i32.const 32)) (then (local.set $rows (i32.const 32))))
      (call $open
        (i32.add (local.get $q) (i32.shl (local.get $query) (i32.const 8))) (local.get $rows) (f32.const 0.18033688)
        (local.get $own) (local.get $sums) (local.get $state))
      (local.set $last (local.get $length))
      (local.set $key (i32.const 0))
      (loop $keys
        (local.set $count (i32.sub (local.get $last) (local.get $key)))
        (if (i32.gt_s (local.get $count) (i32.const 64)) (then (local.set $count (i32.const 64))))
        (call $multiply_keys
          (i32.add (local.get $k) (i32.shl (local.get $key) (i32.const 8))) (local.get $own) (local.get $scores)
          (local.get $rows) (local.get $count))
        (call $weigh (local.get $scores) (local.get $state) (local.get $rows) (local.get $count))
        (call $multiply_values
          (i32.add (local.get $v) (i32.shl (local.get $key) (i32.const 8))) (local.get $scores) (local.get $sums)
          (i32.add (local.get $state) (i32.const 256)) (local.get $rows) (local.get $count))
        (local.set $key (i32.add (local.get $key) (i32.const 64)))
        (br_if $keys (i32.lt_s (local.get $key) (local.get $last))))
      (call $close
        (i32.add (local.get $out) (i32.shl (local.get $query) (i32.const 8))) (local.get $rows) (local.get $sums)
        (local.get $state))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (br_if $queries (i32.lt_s (local.get $query) (local.get $length))))
    (local.set $q (i32.add (local.get $q) (local.get $bytes)))
    (local.set $k (i32.add (local.get $k) (local.get $bytes)))
    (local.set $v (i32.add (local.get $v) (local.get $bytes)))
    (local.set $out (i32.add (local.get $out) (local.get $bytes)))
    (local.set $head (i32.add (local.get $head) (i32.const 1)))
    (br_if $heads (i32.lt_s (local.get $head) (local.get $heads)))))
