import CKernels

extension NF4 {
    /// Absmax values stored as 8-bit codes of a 256-entry map, with scales and an offset of their own.
    public struct NestedAbsmax: Sendable {
        /// One code per block.
        public var codes: [UInt8]
        /// One scale per `blockSize` codes.
        public var absmax: [Float]
        /// 256 increasing values.
        public var map: [Float]
        /// Added to every decoded value.
        public var offset: Float
        /// Codes under one scale, normally 256.
        public var blockSize: Int

        /// The parts as a checkpoint stores them; nil when their sizes do not fit each other.
        public init?(
            codes: [UInt8],
            absmax: [Float],
            map: [Float],
            offset: Float,
            blockSize: Int
        ) {
            guard map.count == 256, blockSize > 0,
                absmax.count >= (codes.count + blockSize - 1) / blockSize
            else { return nil }
            self.codes = codes
            self.absmax = absmax
            self.map = map
            self.offset = offset
            self.blockSize = blockSize
        }

        /// Quantizes absmax values: the exact midpoint rule over bitsandbytes' dynamic map.
        public init(encoding values: [Float], blockSize: Int = 256) {
            var codes = [UInt8](repeating: 0, count: values.count)
            var absmax = [Float](repeating: 0, count: (values.count + blockSize - 1) / blockSize)
            var offset: Float = 0
            map = NF4.dynamicMap
            fk_nf4_absmax_encode(
                values,
                map,
                values.count,
                blockSize,
                &codes,
                &absmax,
                &offset
            )
            self.codes = codes
            self.absmax = absmax
            self.offset = offset
            self.blockSize = blockSize
        }

        /// The fp32 absmax per block of weights: map[code] × scale + offset.
        public func decoded() -> [Float] {
            [Float](unsafeUninitializedCapacity: codes.count) { out, used in
                fk_nf4_absmax_decode(
                    codes,
                    map,
                    absmax,
                    offset,
                    codes.count,
                    blockSize,
                    out.baseAddress
                )
                used = codes.count
            }
        }
    }

    /// bitsandbytes' signed 8-bit dynamic map.
    ///
    /// For i in 0 ... 6 the midpoints of linspace(0.1, 1, 2^i + 1), times 10^(i - 6), both signs,
    /// with 0 and 1.
    public static let dynamicMap: [Float] = {
        var values: [Float] = [0, 1]
        for i in 0..<7 {
            let items = 1 << i
            let bounds = linspace(0.1, 1, items + 1)
            let power = tenthPowers[6 - i]
            for j in 0..<items {
                let middle = (bounds[j] + bounds[j + 1]) / 2
                values.append(power * middle)
                values.append(-power * middle)
            }
        }
        return values.sorted()
    }()

    private static let tenthPowers: [Float] = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]

    /// torch's rule: fused from the nearer end, so that both ends are exact.
    private static func linspace(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { i in
            i < count / 2
                ? start.addingProduct(step, Float(i))
                : end.addingProduct(-step, Float(count - 1 - i))
        }
    }
}
