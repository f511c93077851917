import CKernels

/// The 4-bit NormalFloat format as bitsandbytes defines it.
public enum NF4 {
    /// The sixteen values of a code.
    public static let codebook: [Float] = withUnsafePointer(to: fk_nf4_codebook) {
        $0.withMemoryRebound(to: Float.self, capacity: 16) {
            Array(UnsafeBufferPointer(start: $0, count: 16))
        }
    }

    /// Packed codes, high nibble first, and one absmax per block of 64.
    public struct Codes: Sendable {
        /// (count + 1) / 2 bytes.
        public var codes: [UInt8]
        /// One scale per block, the last block may be short.
        public var absmax: [Float]
    }

    /// Quantizes a flat range with bitsandbytes' rule, bit for bit.
    public static func quantize(
        _ source: UnsafeRawBufferPointer,
        format: FloatFormat,
        blockSize: Int = 64,
        pool: ThreadPool
    ) -> Codes {
        precondition(blockSize > 0 && blockSize <= 4096, "bitsandbytes knows blocks to 4096")
        let count = source.count / format.width
        guard count > 0, let base = source.baseAddress else { return Codes(codes: [], absmax: []) }
        var absmax: [Float] = []
        let codes = [UInt8](unsafeUninitializedCapacity: (count + 1) / 2) { codes, used in
            absmax = [Float](
                unsafeUninitializedCapacity: (count + blockSize - 1) / blockSize
            ) { scales, usedScales in
                fk_nf4_quantize(
                    pool.pool,
                    base,
                    format.code,
                    count,
                    blockSize,
                    codes.baseAddress,
                    scales.baseAddress
                )
                usedScales = scales.count
            }
            used = (count + 1) / 2
        }
        return Codes(codes: codes, absmax: absmax)
    }

    /// codebook × absmax in fp32.
    public static func dequantize(_ quantized: Codes, count: Int, blockSize: Int = 64) -> [Float] {
        precondition(
            quantized.codes.count >= (count + 1) / 2
                && quantized.absmax.count >= (count + blockSize - 1) / blockSize,
            "too few codes or scales"
        )
        return [Float](unsafeUninitializedCapacity: count) { out, used in
            fk_nf4_dequantize(quantized.codes, quantized.absmax, count, blockSize, out.baseAddress)
            used = count
        }
    }
}
