/// Weights by chance: a model of any shape without a file, to measure with.
///
/// Made as NF4 from the beginning and by all threads, matrix by matrix: no fp32 copy of the model
/// ever exists. Their sizes keep the activations near one, so that nothing overflows.
final class RandomWeights: WeightSource {
    let compute: ComputeDType
    private(set) var weights = WeightBytes()

    private let pool: ThreadPool
    private var tensors: UInt64 = 0

    init(compute: ComputeDType, pool: ThreadPool) {
        self.compute = compute
        self.pool = pool
    }

    var base: BaseDType { .nf4 }

    func linear(_ name: String, rows: Int, columns: Int) -> LinearWeight {
        let codes = AlignedBuffer<UInt8>(count: (rows * columns + 1) / 2)
        fill(codes) { $0 }
        // Of sixteen equally likely codes the root mean square is 0.58.
        let scale = 1 / (0.58 * Float(columns).squareRoot())
        let absmax = [Float](repeating: scale, count: (rows * columns + 63) / 64)
        let matrix = absmax.withUnsafeBufferPointer { absmax in
            NF4Matrix(
                codes: codes.bytes,
                absmax: absmax,
                rows: rows,
                columns: columns,
                blockSize: 64,
                pool: pool
            )
        }
        weights.append(name, matrix.storage, owner: matrix)
        return .tiled(matrix)
    }

    func dense(
        _ name: String,
        rows: Int,
        columns: Int,
        products: DenseMatrix.Products
    ) -> DenseMatrix {
        let memory = TileMemory(bytes: 2 * rows * columns)
        // Four numbers of bf16 at a time: any sign and mantissa, an exponent of 2⁻⁶.
        fill(memory.tiles) { $0 & 0x807F_807F_807F_807F | 0x3C80_3C80_3C80_3C80 }
        weights.append(name, memory.tiles.bytes, owner: memory)
        return DenseMatrix(
            memory.tiles.bytes,
            format: .bf16,
            rows: rows,
            columns: columns,
            owner: memory,
            products: products,
            pool: pool
        )
    }

    func vector(_ name: String, count: Int) -> FloatVector {
        let value: Float = name.hasSuffix(".bias") ? 0 : 1
        let vector = [Float](repeating: value, count: count).withUnsafeBytes {
            FloatVector($0, format: .f32, count: count)
        }
        weights.append(name, vector.bytes, owner: vector)
        return vector
    }

    func finish(ignoring: (String) -> Bool) {}

    /// Fills memory with what `shape` makes of random bits.
    private func fill(
        _ memory: borrowing AlignedBuffer<UInt8>,
        _ shape: @escaping (UInt64) -> UInt64
    ) {
        tensors += 1
        let (seed, count, base) = (tensors << 32, memory.count, memory.baseAddress)
        let piece = 1 << 18
        pool.parallel((count + piece - 1) / piece) { index in
            let bytes = UnsafeMutableRawBufferPointer(
                start: base + index * piece,
                count: min(piece, count - index * piece)
            )
            var random = SplitMix64(state: SplitMix64.finalize(seed + UInt64(index)))
            for offset in stride(from: 0, to: bytes.count & ~7, by: 8) {
                bytes.storeBytes(of: shape(random.next()), toByteOffset: offset, as: UInt64.self)
            }
            guard bytes.count & 7 != 0 else { return }
            withUnsafeBytes(of: shape(random.next())) { rest in
                for offset in bytes.count & ~7..<bytes.count { bytes[offset] = rest[offset & 7] }
            }
        }
    }
}
