import CKernels
import Glibc

/// What this machine can do at best with a number of threads, measured.
public struct MachineCeilings: Sendable {
    /// Reading memory, 10⁹ bytes per second.
    public var readGBps: Double
    /// 10⁹ operations per second.
    ///
    /// A multiply-add is two; 0 where the machine has no such instruction.
    public var int8GOPS: Double, bf16GFLOPS: Double, fp32GFLOPS: Double

    /// Measures for a fraction of a second; the best of three repetitions each.
    public static func measure(threads: Int) -> MachineCeilings {
        let pool = ThreadPool(threads: threads)
        let data = AlignedBuffer<UInt8>(count: 256 << 20)
        // Pages that were never written to are all one and the same.
        memset(data.baseAddress, 1, data.count)
        func best(_ body: () -> Double) -> Double { max(body(), body(), body()) / 1e9 }
        return MachineCeilings(
            readGBps: best { fk_ceiling_read(pool.pool, data.baseAddress, data.count) },
            int8GOPS: best { fk_ceiling_compute(pool.pool, Int32(FK_CEILING_I8)) },
            bf16GFLOPS: best { fk_ceiling_compute(pool.pool, Int32(FK_CEILING_BF16)) },
            fp32GFLOPS: best { fk_ceiling_compute(pool.pool, Int32(FK_CEILING_F32)) }
        )
    }
}
