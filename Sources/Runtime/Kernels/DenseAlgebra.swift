import COpenBLAS

/// Products of dense fp32 matrices by OpenBLAS, each computed by one thread.
///
/// For what is made once per adapter. Layers have kernels of their own, since the order in which
/// OpenBLAS adds depends on the shape and on the processor; here shapes do not depend on the batch.
enum DenseAlgebra {
    /// Columns of one product: the same pieces whatever the number of threads.
    private static let piece = 1024

    /// OpenBLAS's own threads would compete with the pool's.
    private static let oneThread: Void = openblas_set_num_threads(1)

    /// out [rows, rows] = a aᵀ for a [rows, columns].
    static func gram(
        _ a: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        _ = oneThread
        let (m, k) = (Int32(rows), Int32(columns))
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            m,
            m,
            k,
            1,
            a,
            k,
            a,
            k,
            0,
            out,
            m
        )
    }

    /// out [rows, columns] = a b for a [rows, rows] and b [rows, columns].
    static func multiply(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        into out: UnsafeMutablePointer<Float>,
        _ pool: ThreadPool
    ) {
        _ = oneThread
        let (m, stride) = (Int32(rows), Int32(columns))
        pool.parallel((columns + piece - 1) / piece) { index in
            let first = index * piece
            let n = Int32(min(piece, columns - first))
            cblas_sgemm(
                CblasRowMajor,
                CblasNoTrans,
                CblasNoTrans,
                m,
                n,
                m,
                1,
                a,
                m,
                b + first,
                stride,
                0,
                out + first,
                stride
            )
        }
    }
}
