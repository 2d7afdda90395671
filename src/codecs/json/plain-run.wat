;; How far a run of bytes goes that stand for themselves in a JSON text: ASCII, no control character, no quote, no backslash.
;; Sixteen at a time. test/unit/codecs/json-plain-run.test.ts assembles this and compares it with the bytes in plain-run.ts.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $at i32) (param $last i32) (result i32)
    (local $bytes v128)
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $at) (local.get $last)))
        (local.set $bytes (v128.load (local.get $at)))
        (br_if $done
          (v128.any_true
            (v128.or
              ;; Signed: from 0x80 on they are negative.
              (i8x16.lt_s (local.get $bytes) (i8x16.splat (i32.const 0x20)))
              (v128.or
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.get $at)))
