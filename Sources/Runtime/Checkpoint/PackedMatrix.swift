/// A linear layer that GPTQ or AWQ quantized: whole numbers packed into words of 32 bits, with a scale
/// and a zero for each group of inputs.
///
/// W[out, in] = scales[group, out] × (q[in, out] − zeros[group, out]). GPTQ packs a column's numbers
/// along the inputs (`qweight` [in × bits / 32, out]) and stores zeros less one; AWQ's `gemm` layout
/// packs eight neighbouring outputs (`qweight` [in, out / 8]) in the order 0 2 4 6 1 3 5 7.
///
/// Immutable: read-only bytes of mapped files.
struct PackedMatrix: RowSource, @unchecked Sendable {
    /// How words are packed.
    enum Layout: Sendable {
        /// - Parameter zeroOffset: Added to stored zeros.
        case gptq(bits: Int, zeroOffset: Int)
        case awq
    }

    let rows: Int, columns: Int

    private let layout: Layout
    private let weights: Tensor, zeros: Tensor, scales: Tensor
    /// The group of every input.
    private let groups: [Int32]
    private let format: FloatFormat

    /// Checks the parts of a layer against each other.
    /// - Parameters:
    ///   - size: Inputs of a group; nil where all inputs are one.
    ///   - index: `g_idx`, the group of every input, where inputs were reordered.
    init(
        _ layout: Layout,
        weights: Tensor,
        zeros: Tensor,
        scales: Tensor,
        index: Tensor?,
        groupSize size: Int?
    ) throws(CheckpointError) {
        func refuse(_ reason: String) -> CheckpointError {
            .unsupported(tensor: weights.name, reason: reason)
        }
        guard weights.type == .i32, zeros.type == .i32, weights.shape.count == 2,
            zeros.shape.count == 2, scales.shape.count == 2,
            let format = scales.type.floatFormat
        else { throw refuse("its parts are not of the types GPTQ and AWQ have") }
        var bits = 4
        switch layout {
        case .gptq(let width, _):
            bits = width
            let (product, overflow) = weights.shape[0].multipliedReportingOverflow(by: 32)
            guard !overflow, product % width == 0 else { throw refuse("it has too many rows") }
            (rows, columns) = (weights.shape[1], product / width)
        case .awq:
            let (product, overflow) = weights.shape[1].multipliedReportingOverflow(by: 8)
            guard !overflow else { throw refuse("it has too many columns") }
            (rows, columns) = (product, weights.shape[0])
        }
        let groupCount = scales.shape[0]
        guard rows > 0, columns > 0, columns <= 1 << 24, groupCount > 0, scales.shape[1] == rows,
            zeros.shape == [groupCount, (rows * bits + 31) / 32]
        else { throw refuse("its weights, zeros and scales do not fit each other") }
        groups = try Self.groups(index, size: size ?? columns, columns: columns, count: groupCount)
        self.layout = layout
        self.weights = weights
        self.zeros = zeros
        self.scales = scales
        self.format = format
    }

    private static func groups(
        _ index: Tensor?,
        size: Int,
        columns: Int,
        count: Int
    ) throws(CheckpointError) -> [Int32] {
        var groups: [Int32] = []
        if let index {
            guard index.type == .i32, index.shape == [columns] else {
                throw .wrongShape(tensor: index.name, expected: [columns], found: index.shape)
            }
            groups = (0..<columns).map {
                index.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)
            }
            guard groups.allSatisfy({ $0 >= 0 && Int($0) < count }) else {
                throw .unsupported(tensor: index.name, reason: "it names groups that are not there")
            }
        } else {
            guard size > 0, (columns + size - 1) / size == count else {
                throw .malformed(
                    path: "quantization_config",
                    reason: "group_size \(size) does not make \(count) groups of \(columns) inputs"
                )
            }
            groups = (0..<columns).map { Int32($0 / size) }
        }
        return groups
    }

    var storedBytes: [UnsafeRawBufferPointer] { [weights.bytes, zeros.bytes, scales.bytes] }
    var owner: any AnyObject & Sendable { weights.file }

    func decode(row: Int, into out: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row beyond the matrix")
        let count = scales.shape[0]
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { table in
            guard let table = table.baseAddress, let stored = scales.bytes.baseAddress else {
                return
            }
            for group in 0..<count {
                let place = (group * rows + row) * format.width
                format.decode(stored + place, count: 1, into: table + 2 * group)
                (table + 2 * group + 1).initialize(to: Float(zero(group, row)))
            }
            for column in 0..<columns {
                let group = Int(groups[column])
                out[column] = table[2 * group] * (Float(code(column, row)) - table[2 * group + 1])
            }
        }
    }

    private func zero(_ group: Int, _ row: Int) -> Int {
        switch layout {
        case .gptq(let bits, let offset):
            // Along the outputs, whatever the word.
            Self.bits(zeros.bytes, first: group * zeros.shape[1], stride: 1, place: row, bits: bits)
                + offset
        case .awq: Self.awq(zeros.bytes, first: group * zeros.shape[1], row)
        }
    }

    private func code(_ column: Int, _ row: Int) -> Int {
        switch layout {
        case .gptq(let bits, _):
            Self.bits(weights.bytes, first: row, stride: rows, place: column, bits: bits)
        case .awq: Self.awq(weights.bytes, first: column * weights.shape[1], row)
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        UInt64(bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }

    /// Number `place` of a stream of `bits` each in words `stride` apart; three bits cross words.
    private static func bits(
        _ bytes: UnsafeRawBufferPointer,
        first: Int,
        stride: Int,
        place: Int,
        bits: Int
    ) -> Int {
        let (index, shift) = (place * bits / 32, place * bits % 32)
        var value = word(bytes, first + index * stride) >> UInt64(shift)
        if shift + bits > 32 {
            value |= word(bytes, first + (index + 1) * stride) << UInt64(32 - shift)
        }
        return Int(value & (1 << UInt64(bits) - 1))
    }

    /// Where each of eight neighbouring outputs is in its word.
    private static let awqOrder = [0, 4, 1, 5, 2, 6, 3, 7]

    private static func awq(_ bytes: UnsafeRawBufferPointer, first: Int, _ row: Int) -> Int {
        Int(word(bytes, first + row / 8) >> UInt64(4 * awqOrder[row % 8]) & 15)
    }
}
