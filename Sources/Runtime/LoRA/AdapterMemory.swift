/// One allocation for all of an adapter's numbers, each tensor at 64 bytes.
///
/// Owner: one thread at a time, which fills it before the adapter is shared.
final class AdapterMemory: @unchecked Sendable {
    /// Bytes handed out.
    private(set) var used = 0

    private let memory: AlignedBuffer<UInt8>

    /// Room for every tensor in the format it will be kept in.
    init(_ tensors: AdapterTensors, _ scoreHead: ScoreHeadTensors?) {
        var bytes =
            scoreHead.map { Self.padded($0.weight.count * 4) + Self.padded(4) } ?? 0
        for parts in tensors.parts.values {
            for tensor in [parts.a, parts.b] {
                let width = Self.format(of: parts).width
                bytes += tensor.map { Self.padded($0.count * width) } ?? 0
            }
            let widened = [
                parts.loraBias, parts.magnitude, parts.bias, parts.embeddingA, parts.embeddingB,
            ]
            for tensor in widened { bytes += tensor.map { Self.padded($0.count * 4) } ?? 0 }
        }
        memory = AlignedBuffer(count: bytes)
    }

    /// The format A and B are kept in: their own where it is the same 16-bit one, else fp32.
    static func format(of parts: AdapterTensors.Parts) -> FloatFormat {
        guard let a = parts.a?.type, let b = parts.b?.type, a == b else { return .f32 }
        return a.floatFormat ?? .f32
    }

    private static func padded(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

    private func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        let place = memory.baseAddress + used
        used += Self.padded(bytes)
        precondition(used <= memory.count, "an adapter's memory holds all its tensors")
        return UnsafeMutableRawPointer(place)
    }

    /// Numbers as fp32.
    func floats(_ tensor: Tensor) -> UnsafePointer<Float> {
        UnsafePointer(copy(tensor, as: .f32).assumingMemoryBound(to: Float.self))
    }

    /// A score head as fp32; one without a bias gets 0.
    func scoreHead(_ tensors: ScoreHeadTensors) -> ScoreHead {
        let weight = floats(tensors.weight)
        let bias =
            tensors.bias.map(floats)
            ?? UnsafePointer(take(4).initializeMemory(as: Float.self, to: 0))
        return ScoreHead(inputs: tensors.weight.count, weight: weight, bias: bias)
    }

    /// Numbers in a format: the tensor's own, or fp32.
    func copy(_ tensor: Tensor, as format: FloatFormat) -> UnsafeRawPointer {
        let target = take(tensor.count * format.width)
        guard let base = tensor.bytes.baseAddress, let own = tensor.type.floatFormat else {
            return UnsafeRawPointer(target)
        }
        if own.width == format.width {
            target.copyMemory(from: base, byteCount: tensor.bytes.count)
        } else {
            own.decode(
                base,
                count: tensor.count,
                into: target.assumingMemoryBound(to: Float.self)
            )
        }
        return UnsafeRawPointer(target)
    }

    /// A matrix [rows, columns] as [columns, rows].
    func copyTransposed(_ tensor: Tensor, as format: FloatFormat) -> UnsafeRawPointer {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        let target = take(tensor.count * format.width)
        guard let base = tensor.bytes.baseAddress, let own = tensor.type.floatFormat else {
            return UnsafeRawPointer(target)
        }
        switch (own.width, format.width) {
        case (2, 2): Self.transpose(base, rows, columns, UInt16.self, to: target)
        case (4, 4): Self.transpose(base, rows, columns, UInt32.self, to: target)
        default:
            let wide = UnsafeMutablePointer<Float>.allocate(capacity: max(tensor.count, 1))
            defer { wide.deallocate() }
            own.decode(base, count: tensor.count, into: wide)
            Self.transpose(wide, rows, columns, UInt32.self, to: target)
        }
        return UnsafeRawPointer(target)
    }

    /// Block by block, so that the source stays in the first cache while the target is written row
    /// by row; a file's numbers need not be aligned.
    private static func transpose<Element: BitwiseCopyable>(
        _ source: UnsafeRawPointer,
        _ rows: Int,
        _ columns: Int,
        _ type: Element.Type,
        to target: UnsafeMutableRawPointer
    ) {
        let width = MemoryLayout<Element>.size
        let target = target.assumingMemoryBound(to: type)
        let block = max(1, 8192 / max(1, columns * width))
        var first = 0
        while first < rows {
            let last = min(rows, first + block)
            for column in 0..<columns {
                for row in first..<last {
                    target[column * rows + row] = source.loadUnaligned(
                        fromByteOffset: (row * columns + column) * width,
                        as: type
                    )
                }
            }
            first = last
        }
    }
}
